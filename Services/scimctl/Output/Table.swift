import Foundation

/// Aligned columns without a heading, readable by people and scripts.
struct Table: Sendable, Equatable {
  private var rows: [[String]] = []

  /// Adds a row. A nil cell is shown as `-`.
  mutating func append(_ cells: [String?]) {
    rows.append(cells.map { $0.map(PlainText.line) ?? "-" })
  }

  /// Whether the table has no rows.
  var isEmpty: Bool { rows.isEmpty }

  /// One line per row, without trailing spaces.
  var lines: [String] {
    let columns = rows.map(\.count).max() ?? 0
    let widths = (0..<columns).map { column in rows.map { $0.indices.contains(column) ? $0[column].count : 0 }.max() ?? 0 }
    return rows.map { cells in
      zip(cells, widths).enumerated().map { index, pair in
        let (cell, width) = pair
        return index == cells.count - 1 ? cell : cell + String(repeating: " ", count: width - cell.count)
      }.joined(separator: "  ")
    }
  }

  /// Prints the lines to standard output.
  func print() {
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
