/// A setting of a process: an environment variable, or a key in the configuration file.
public struct Setting: Sendable, Hashable {
  /// The key in the configuration file, `http.port`; the environment variable is `ROLLCALL_HTTP_PORT`.
  public let key: String
  /// The default value; nil if there is none.
  public let `default`: String?
  /// The description for `--help` and the documentation.
  public let help: String
  /// Whether the value is a secret: it is never shown, and can be read from the file that `<NAME>_FILE` names.
  public let isSecret: Bool
  /// Whether the value is a cryptographic key: short values and placeholders are rejected; see ``PlaceholderSecrets``.
  public let isKey: Bool
  /// Whether the process requires a value to start.
  public let required: Bool
  /// The kind of value.
  public let kind: Kind

  /// Makes a setting. A key is always a secret.
  public init(
    key: String, default: String? = nil, help: String, isSecret: Bool = false, isKey: Bool = false, required: Bool = false,
    kind: Kind = .text
  ) {
    self.key = key
    self.default = `default`
    self.help = help
    self.isSecret = isSecret || isKey
    self.isKey = isKey
    self.required = required
    self.kind = kind
  }

  /// The environment variable, `ROLLCALL_HTTP_PORT`.
  public var environmentName: String { Self.environmentName(of: key) }

  /// The environment variable for the path of a file with the secret.
  var fileEnvironmentName: String { environmentName + "_FILE" }

  /// The key for the path of a file with the secret.
  var fileKey: String { key + ".file" }

  static func environmentName(of key: String) -> String {
    environmentPrefix + key.uppercased().map { $0.isLetter || $0.isNumber ? String($0) : "_" }.joined()
  }

  static let environmentPrefix = "ROLLCALL_"
}

extension Setting {
  /// The kind of a value. Values of the wrong kind are reported together when the process starts.
  public enum Kind: Sendable, Hashable {
    /// Any text.
    case text
    /// A whole number in a range.
    case integer(ClosedRange<Int>)
    /// `true`, `false`, `yes`, `no`, `on`, `off`, `1` or `0`.
    case flag
    /// A number of seconds, or a number with a unit: `250ms`, `5s`, `2m`, `1h`, `30d`.
    case duration
    /// An absolute URL.
    case url
    /// One of several words, compared case-insensitively.
    case choice([String])

    /// A whole number, at least 0.
    public static let count = Kind.integer(0...Int.max)
    /// A TCP port, or 0 for any free port.
    public static let port = Kind.integer(0...65_535)

    /// A description of valid values that completes "must be …".
    var expectation: String {
      switch self {
      case .text: "text"
      case .integer(let range) where range.upperBound == .max: "a whole number, at least \(range.lowerBound)"
      case .integer(let range): "a whole number from \(range.lowerBound) to \(range.upperBound)"
      case .flag: "true or false"
      case .duration: "a time in seconds, or with a unit such as 250ms, 5s, 2m, 1h or 30d"
      case .url: "a URL such as https://example.com/path"
      case .choice(let words): "one of \(words.joined(separator: ", "))"
      }
    }

    /// Whether `text` is a valid value.
    func accepts(_ text: String) -> Bool {
      switch self {
      case .text: true
      case .integer(let range): Int(text).map(range.contains) ?? false
      case .flag: SettingParser.flag(text) != nil
      case .duration: SettingParser.duration(text) != nil
      case .url: SettingParser.url(text) != nil
      case .choice(let words): words.contains { $0.lowercased() == text.lowercased() }
      }
    }
  }
}
