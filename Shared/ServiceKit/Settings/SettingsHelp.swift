/// The text of `--help`: every setting with its name in the environment, its key, its default and its meaning.
enum SettingsHelp {
  static func text(service: String, settings: [Setting]) -> String {
    var lines = [
      "\(service) is configured by environment variables, and by a JSON file with the keys in brackets.",
      "",
      "usage: \(service) [--help]",
      "",
    ]
    for setting in settings {
      lines.append("  \(setting.environmentName)  [\(setting.key)]")
      lines += wrapped(setting.help + remarks(setting), width: 92).map { "      " + $0 }
    }
    if settings.contains(where: \.isSecret) {
      lines += [
        "",
        "A secret may also be put in a file: the variable's name with _FILE behind it, or the key with .file behind it, is the file's path.",
      ]
    }
    lines += ["", "Exit codes: 0 ended as asked, 1 failed while running, 64 wrong arguments, 78 wrong configuration or schema."]
    return lines.joined(separator: "\n")
  }

  private static func remarks(_ setting: Setting) -> String {
    var remarks: [String] = []
    switch setting.kind {
    case .text: break
    case .integer, .flag, .duration, .url, .choice: remarks.append(setting.kind.expectation)
    }
    if let value = setting.default { remarks.append("default: \(value)") }
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
    return lines
  }
}
