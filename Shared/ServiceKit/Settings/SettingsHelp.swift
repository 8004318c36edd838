/// The text of `--help`: every setting with its environment variable, key, default and description.
enum SettingsHelp {
  static func text(service: String, settings: [Setting]) -> String {
    var lines = [
      "\(service) reads its settings from environment variables and from a JSON file with the keys in brackets.",
      "",
      "usage: \(service) [--help | --version | --settings]",
      "",
      "  --settings prints the settings below as JSON.",
      "",
    ]
    for setting in settings {
      lines.append("  \(setting.environmentName)  [\(setting.key)]")
      lines += wrapped(setting.help + remarks(setting), width: 92).map { "      " + $0 }
    }
    if settings.contains(where: \.isSecret) {
      lines += [
        "",
        "To read a secret from a file, set the variable's name followed by _FILE, or the key followed by .file, to the file's path.",
      ]
    }
    lines += ["", "Exit codes: 0 stopped as requested, 1 failed while running, 64 wrong arguments, 78 wrong configuration or schema."]
    return lines.joined(separator: "\n")
  }

  /// Keeps a default on the line of its label until the text is wrapped.
  private static let noBreakSpace = "\u{A0}"

  private static func remarks(_ setting: Setting) -> String {
    var remarks: [String] = []
    switch setting.kind {
    case .text: break
    case .integer, .flag, .duration, .url, .choice: remarks.append(setting.kind.expectation)
    }
    if let value = setting.default { remarks.append("default:\(noBreakSpace)\(value)") }
    if setting.required { remarks.append("required") }
    if setting.isSecret { remarks.append("secret") }
    return remarks.isEmpty ? "" : " (\(remarks.joined(separator: "; ")))"
  }

  private static func wrapped(_ text: String, width: Int) -> [String] {
    var lines = [""]
    for word in text.split(separator: " ") {
      if lines[lines.count - 1].count + word.count + 1 > width { lines.append("") }
      lines[lines.count - 1] += (lines[lines.count - 1].isEmpty ? "" : " ") + word
    }
    return lines.map { $0.replacing(noBreakSpace, with: " ") }
  }
}
