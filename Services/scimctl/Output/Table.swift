import Foundation

/// Aligned columns, readable by people and scripts.
struct Table: Sendable, Equatable {
  /// The names of the columns; empty for a table of properties, which needs none.
  private let headings: [String]
  private var rows: [[String]] = []

  /// An empty table.
  ///
  /// - Parameter headings: The names of the columns; none for a table of properties.
  init(_ headings: String...) {
    self.headings = headings
  }

  /// Adds a row. A nil cell is shown as `-`.
  mutating func append(_ cells: [String?]) {
    rows.append(cells.map { $0.map(PlainText.line) ?? "-" })
  }

  /// Whether the table has no rows.
  var isEmpty: Bool { rows.isEmpty }

  /// One line per row, without trailing spaces and without the headings.
  var lines: [String] {
    let widths = widths
    return rows.map { Self.line(of: $0, widths) }
  }

  /// The line with the headings; nil if there are none.
  var heading: String? { headings.isEmpty ? nil : Self.line(of: headings, widths) }

  private var widths: [Int] {
    let columns = max(rows.map(\.count).max() ?? 0, headings.count)
    return (0..<columns).map { column in
      ([headings] + rows).map { $0.indices.contains(column) ? $0[column].count : 0 }.max() ?? 0
    }
  }

  private static func line(of cells: [String], _ widths: [Int]) -> String {
    zip(cells, widths).enumerated().map { index, pair in
      let (cell, width) = pair
      return index == cells.count - 1 ? cell : cell + String(repeating: " ", count: width - cell.count)
    }.joined(separator: "  ")
  }

  /// Prints the lines to standard output, after the headings. If standard output is not a terminal, the headings go to standard error, so
  /// that a script reads rows only. A table without rows has no headings.
  func print() {
    if let heading, !isEmpty {
      if isatty(STDOUT_FILENO) == 1 { Swift.print(heading) } else { StandardError.print(heading) }
    }
    for line in lines { Swift.print(line) }
  }
}

/// Makes names and other text from outside safe for a terminal.
enum PlainText {
  /// Returns `text` with control characters and line breaks replaced by `?`, so that it stays on one line and cannot control the terminal.
  static func line(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: isControl) else { return text }
    var line = ""
    line.unicodeScalars.append(contentsOf: text.unicodeScalars.map { isControl($0) ? "?" : $0 })
    return line
  }

  private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .lineSeparator, .paragraphSeparator: true
    default: false
    }
  }
}

/// Prints notes for people to standard error, because a script may read standard output.
enum StandardError {
  /// Prints one line.
  static func print(_ line: String) {
    FileHandle.standardError.write(Data("\(line)\n".utf8))
  }
}
