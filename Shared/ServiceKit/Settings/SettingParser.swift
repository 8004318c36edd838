import Foundation

/// Parses the values of settings.
enum SettingParser {
  /// A Boolean; nil if `text` is none of the words of ``Setting/Kind/flag``.
  static func flag(_ text: String) -> Bool? {
    switch text.lowercased() {
    case "true", "yes", "on", "1": true
    case "false", "no", "off", "0": false
    default: nil
    }
  }

  /// A duration: a number of seconds, or a number with a unit; nil if malformed or negative.
  static func duration(_ text: String) -> Duration? {
    let number = text.prefix { $0.isASCII && $0.isNumber || $0 == "." }
    guard let value = Double(number), value.isFinite, value < 1e9 else { return nil }
    return switch text.dropFirst(number.count).drop(while: { $0 == " " }) {
    case "ms": .milliseconds(value)
    case "", "s": .seconds(value)
    case "m": .seconds(value * 60)
    case "h": .seconds(value * 3600)
    case "d": .seconds(value * 86_400)
    default: nil
    }
  }

  /// An absolute URL with a host; nil if malformed.
  static func url(_ text: String) -> URL? {
    guard let url = URL(string: text), let scheme = url.scheme, !scheme.isEmpty, url.host() != nil else { return nil }
    return url
  }

  /// `name=value` pairs, separated by line ends or, on a single line, by commas. Lines that start with `#` are comments.
  ///
  /// A value that contains a comma needs a file with one pair per line.
  ///
  /// - Returns: nil if a pair has no `=` or no name.
  static func pairs(_ text: String) -> [String: String]? {
    let separator: Character = text.contains(where: \.isNewline) ? "\n" : ","
    var pairs: [String: String] = [:]
    for part in text.split(whereSeparator: { $0 == separator || $0.isNewline }) {
      let line = part.trimmingCharacters(in: .whitespaces)
      if line.isEmpty || line.hasPrefix("#") { continue }
      guard let equals = line.firstIndex(of: "="), equals > line.startIndex else { return nil }
      let name = line[..<equals].trimmingCharacters(in: .whitespaces)
      pairs[name] = line[line.index(after: equals)...].trimmingCharacters(in: .whitespaces)
    }
    return pairs
  }
}
