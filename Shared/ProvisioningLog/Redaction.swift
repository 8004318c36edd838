import SCIM

/// Takes secrets out of what is kept of a request: passwords (Okta and OneLogin send junk ones with every user), what is named like a
/// secret, and the text of access tokens.
public enum Redaction {
  /// What stands in place of a secret.
  static let mask = "(removed)"

  /// A body without its secrets.
  public struct Outcome: Sendable, Hashable {
    public var json: JSON
    /// The names of what was taken out, each once.
    public var removed: [String] = []
    /// The texts that were taken out: they must not come back in a detail.
    var secrets: [String] = []
  }

  /// `json` without the attributes that are secret by their name, wherever they stand, and without the values of PATCH operations whose
  /// path names one.
  public static func body(_ json: JSON) -> Outcome {
    var outcome = Outcome(json: json)
    if let rewritten = rewritten(json, &outcome) { outcome.json = rewritten }
    return outcome
  }

  /// Whether an attribute, however it is written (`password`, `urn:…:User:password`, `Password[…]`), is secret by its name.
  public static func isSecret(_ attribute: String) -> Bool {
    var tail = attribute.utf8[...]
    if let bracket = tail.firstIndex(of: UInt8(ascii: "[")) { tail = tail[..<bracket] }
    if let separator = tail.lastIndex(where: { $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".") }) {
      tail = tail[tail.index(after: separator)...]
    }
    guard tail.count < namesByLength.count else { return false }
    for name in namesByLength[tail.count] {
      var index = tail.startIndex
      var isSame = true
      for byte in name {
        // Letters in lower case; an underscore is lifted likewise.
        let other = tail[index]
        if other | (other < 0x60 ? 0x20 : 0) != byte {
          isSame = false
          break
        }
        tail.formIndex(after: &index)
      }
      if isSame { return true }
    }
    return false
  }

  /// In lower case, by their lengths: nearly every attribute is no candidate.
  private static let namesByLength: [[[UInt8]]] = {
    let lifted = names.map { $0.utf8.map { $0 == UInt8(ascii: "_") ? $0 | 0x20 : $0 } }
    return (0...(lifted.map(\.count).max() ?? 0)).map { length in lifted.filter { $0.count == length } }
  }()

  private static let names = [
    "password", "passwd", "pwd", "secret", "clientsecret", "client_secret", "token", "accesstoken", "access_token", "refreshtoken",
    "refresh_token", "apikey", "api_key", "privatekey", "private_key", "digest", "authorization",
  ]

  /// Whether a filter, or a query, asks for something secret.
  private static func mentionsSecret(_ text: String) -> Bool {
    let text = text.lowercased()
    return ["password", "secret"].contains(where: text.contains)
  }

  /// nil where there is nothing to take out.
  private static func rewritten(_ json: JSON, _ outcome: inout Outcome) -> JSON? {
    switch json {
    case .object(let object): return rewritten(object, &outcome).map(JSON.object)
    case .array(let elements):
      var changed: [JSON]?
      for (index, element) in elements.enumerated() {
        guard let rewritten = rewritten(element, &outcome) else { continue }
        if changed == nil { changed = elements }
        changed?[index] = rewritten
      }
      return changed.map(JSON.array)
    // JSON within a string, as Entra sends roles.
    case .string(let text):
      guard text.utf8.first == UInt8(ascii: "{") || text.utf8.first == UInt8(ascii: "["), let inner = parsed(text),
        rewritten(inner, &outcome) != nil
      else { return nil }
      outcome.secrets.append(text)
      return .string(mask)
    default: return nil
    }
  }

  private static func rewritten(_ object: JSONObject, _ outcome: inout Outcome) -> JSONObject? {
    var changed: JSONObject?
    let path = object.value(forAttribute: "path")?.string
    let pathIsSecret = path.map(isSecret) ?? false
    for member in object {
      let isValue = pathIsSecret && member.key.lowercased() == "value"
      if isSecret(member.key) || isValue {
        outcome.note(member.key.lowercased() == "value" ? path ?? member.key : member.key, member.value)
        if changed == nil { changed = object }
        changed?[member.key] = isValue ? .string(mask) : nil
      } else if isSensitiveFilter(member) {
        // `password[value eq "…"]` in a PATCH, `password eq "…"` in a search.
        outcome.note(member.key, .null)
        if changed == nil { changed = object }
        let text = member.value.string ?? ""
        changed?[member.key] = .string(member.key.lowercased() == "path" ? String(text.prefix { $0 != "[" }) : mask)
      } else if let rewritten = rewritten(member.value, &outcome) {
        if changed == nil { changed = object }
        changed?[member.key] = rewritten
      }
    }
    return changed
  }

  /// Whether a member is a filter, or a path with one, that compares something secret.
  private static func isSensitiveFilter(_ member: JSONObject.Member) -> Bool {
    guard member.key.utf8.count == 4 || member.key.utf8.count == 6, let text = member.value.string else { return false }
    switch member.key.lowercased() {
    case "path": return text.utf8.contains(UInt8(ascii: "[")) && mentionsSecret(text)
    case "filter": return mentionsSecret(text)
    default: return false
    }
  }

  private static func parsed(_ text: String) -> JSON? {
    do { return try JSON(parsing: text) } catch { return nil }
  }
}

extension Redaction.Outcome {
  fileprivate mutating func note(_ name: String, _ value: JSON) {
    let shown = String(name.prefix(100).prefix { $0 != "[" })
    if !removed.contains(shown) { removed.append(shown) }
    if let text = value.string, !text.isEmpty { secrets.append(text) }
  }
}

// MARK: - Text

extension Redaction {
  /// `detail` without the secrets that were found in the body: a refusal may quote what was sent.
  public static func detail(_ detail: String, without outcome: Outcome?) -> String {
    var detail = detail
    for secret in outcome?.secrets ?? [] where detail.contains(secret) { detail = detail.replacing(secret, with: mask) }
    // A message quotes the beginning of what is long.
    for secret in outcome?.secrets ?? [] where secret.count > 40 && detail.contains(secret.prefix(40)) {
      detail = detail.replacing(secret.prefix(40), with: mask)
    }
    return detail
  }

  /// The query of a URL without the values of secret parameters, and without filters that ask for a secret.
  public static func query(_ query: String) -> String {
    query.split(separator: "&", omittingEmptySubsequences: false).map { parameter in
      let name = parameter.prefix { $0 != "=" }
      let value = parameter.dropFirst(name.count)
      let isUnsafe =
        isSecret(name.removingPercentEncoding ?? String(name)) || mentionsSecret(value.removingPercentEncoding ?? String(value))
      return isUnsafe && !value.isEmpty ? "\(name)=\(mask)" : String(parameter)
    }.joined(separator: "&")
  }

  /// What stands in place of an access token.
  public static let maskedToken = "rollcall_" + mask

  /// Whether something stands in `query` in place of a secret.
  public static func isRedacted(_ query: String) -> Bool { query.contains(mask) }

  /// `text` with the text of access tokens masked.
  public static func maskingTokens(in text: [UInt8]) -> [UInt8] {
    guard var index = find(in: text, from: 0) else { return text }
    var masked: [UInt8] = []
    masked.reserveCapacity(text.count)
    var copied = 0
    while true {
      let secret = index + prefix.count
      var end = secret
      while end < text.count, isBase64URL(text[end]) { end += 1 }
      // Whatever is shorter than any secret is a name.
      if end - secret >= minimumSecret {
        masked += text[copied..<secret]
        masked += mask.utf8
        copied = end
      }
      guard let next = find(in: text, from: end) else { break }
      index = next
    }
    return masked + text[copied...]
  }

  /// ``Models/AccessToken/prefix``
  private static let prefix = Array("rollcall_".utf8)
  private static let minimumSecret = 16

  private static func find(in text: [UInt8], from start: Int) -> Int? {
    text.withUnsafeBufferPointer { text in
      var index = start
      while index + prefix.count <= text.count {
        if text[index] == prefix[0], text[index + 1] == prefix[1], text[index..<index + prefix.count].elementsEqual(prefix) { return index }
        index += 1
      }
      return nil
    }
  }

  private static func isBase64URL(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
      UInt8(ascii: "-"), UInt8(ascii: "_"):
      true
    default: false
    }
  }
}
