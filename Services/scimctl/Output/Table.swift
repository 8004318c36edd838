import Foundation

/// Rows as aligned columns, without a heading, so that people and scripts can read them alike.
struct Table: Sendable, Equatable {
  private var rows: [[String]] = []

  /// Adds a row; what is absent is shown as `-`.
  mutating func append(_ cells: [String?]) {
    rows.append(cells.map { $0.map(PlainText.line) ?? "-" })
  }

  var isEmpty: Bool { rows.isEmpty }

  /// One line a row, without trailing spaces.
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

  func print() {
    for line in lines { Swift.print(line) }
  }
}

/// Text of people's and groups' names, on its way to a terminal.
enum PlainText {
  /// `text` on one line, and unable to command the terminal: control characters are shown as `?`.
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

/// Lines for people beside a command's output, which a script may read.
enum StandardError {
  static func print(_ line: String) {
    FileHandle.standardError.write(Data("\(line)\n".utf8))
  }
}
