/// One thing that an operator may set: in the environment, or under its key in the configuration file.
public struct Setting: Sendable, Hashable {
  /// Its name in the configuration file, `http.port`; in the environment that is `ROLLCALL_HTTP_PORT`.
  public let key: String
  /// The value where none is given; nil for none.
  public let `default`: String?
  /// What it means, in one sentence for `--help`.
  public let help: String
  /// Its value is never shown, and may also be read from a file that `<NAME>_FILE` names.
  public let isSecret: Bool
  /// It is a key that nobody may guess: one that is short, or a placeholder, is refused; see ``PlaceholderSecrets``.
  public let isKey: Bool
  /// The process does not start without a value.
  public let required: Bool
  /// What its value has to look like.
  public let kind: Kind

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

  /// Its name in the environment.
  public var environmentName: String { Self.environmentName(of: key) }

  /// The name in the environment of a file with the value, for a secret.
  var fileEnvironmentName: String { environmentName + "_FILE" }

  /// The key of the path of a file with the value, for a secret.
  var fileKey: String { key + ".file" }

  static func environmentName(of key: String) -> String {
    environmentPrefix + key.uppercased().map { $0.isLetter || $0.isNumber ? String($0) : "_" }.joined()
  }

  static let environmentPrefix = "ROLLCALL_"
}

extension Setting {
  /// The form of a value; a value that has not this form is reported when the process starts, with all the others.
  public enum Kind: Sendable, Hashable {
    case text
    case integer(ClosedRange<Int>)
    /// `true`, `false`, `yes`, `no`, `on`, `off`, `1` or `0`.
    case flag
    /// A number of seconds, or a number with its unit: `250ms`, `5s`, `2m`, `1h`, `30d`.
    case duration
    /// An absolute URL.
    case url
    /// One of a few words, compared without case.
    case choice([String])

    /// Any whole number that is not negative.
    public static let count = Kind.integer(0...Int.max)
    /// A TCP port, or 0 for any that is free.
    public static let port = Kind.integer(0...65_535)

    /// What the value has to be, to stand behind "must be".
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

    /// Whether `text` has this form.
    func accepts(_ text: String) -> Bool {
      switch self {
      case .text: true
      case .integer(let range): Int(text).map(range.contains) ?? false
      case .flag: SettingText.flag(text) != nil
      case .duration: SettingText.duration(text) != nil
      case .url: SettingText.url(text) != nil
      case .choice(let words): words.contains { $0.lowercased() == text.lowercased() }
      }
    }
  }
}
