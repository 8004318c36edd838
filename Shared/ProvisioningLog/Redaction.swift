import Foundation
import Primitives
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
    // Of one that cannot be parsed it is not known what it aims at.
    let pathIsSecret = path.map { isSecret($0) || SecretText.isMentioned(in: $0) } ?? false
    for member in object {
      let isValue = pathIsSecret && member.key.lowercased() == "value"
      if isSecret(member.key) || isSecretText(member.key) || isValue {
        outcome.note(member.key.lowercased() == "value" ? path ?? member.key : member.key, member.value)
        if changed == nil { changed = object }
        changed?[member.key] = isValue ? .string(mask) : nil
      } else if let kept = withoutSecretText(member) {
        // `password[value eq "…"]` in a PATCH, `password eq "…"` in a search.
        outcome.note(member.key, .null)
        if changed == nil { changed = object }
        changed?[member.key] = kept
      } else if let rewritten = rewritten(member.value, &outcome) {
        if changed == nil { changed = object }
        changed?[member.key] = rewritten
      }
    }
    return changed
  }

  /// Whether the name of a member is a path with a secret in it, such as `password xx "…"`.
  private static func isSecretText(_ name: String) -> Bool {
    name.utf8.contains { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\"") } && SecretText.isMentioned(in: name)
  }

  /// What is kept of a member that is a filter, a path or a list of names and names something secret; nil where there is nothing to remove.
  private static func withoutSecretText(_ member: JSONObject.Member) -> JSON? {
    // Nearly every member has a name of another length.
    guard lengthsOfPaths.contains(member.key.utf8.count) else { return nil }
    let name = member.key.lowercased()
    guard name == "filter" || namesOfPaths.contains(name) else { return nil }
    switch member.value {
    case .string(let text):
      guard SecretText.isMentioned(in: text) else { return nil }
      if name == "filter" { return .string(mask) }
      let kept = leadingPath(of: text)
      return kept == text ? nil : .string(kept)
    case .array(let elements):
      let kept = elements.map { element -> JSON in
        guard let text = element.string, SecretText.isMentioned(in: text) else { return element }
        return .string(leadingPath(of: text))
      }
      return kept == elements ? nil : .array(kept)
    default: return nil
    }
  }

  private static let namesOfPaths: Set<String> = ["path", "sortby", "attributes", "excludedattributes"]
  private static let lengthsOfPaths = Set(namesOfPaths.map(\.utf8.count))

  /// The attribute path that `text` begins with: what comes behind it may be a secret. Of a path of a resource it is the endpoint.
  private static func leadingPath(of text: String) -> String {
    if text.hasPrefix("/") { return "/" + text.dropFirst().prefix { $0.isASCII && $0.isLetter } }
    return String(text.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || ":._-$".contains($0)) })
  }

  private static func parsed(_ text: String) -> JSON? {
    do { return try JSON(parsing: text) } catch { return nil }
  }
}

extension Redaction.Outcome {
  fileprivate mutating func note(_ name: String, _ value: JSON) {
    let shown = String(name.prefix(100).prefix { $0 != "[" && $0 != " " && $0 != "\"" })
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

  /// Words for a person without what may be secret in them: access tokens, and quoted text where something secret is named.
  public static func text(_ text: String) -> String {
    let masked = String(decoding: maskingTokens(in: Array(text.utf8)), as: UTF8.self)
    return SecretText.isMentioned(in: masked) ? withoutQuotedText(masked) : masked
  }

  /// `text` with a mask in place of what stands in double quotes; a quotation that does not end goes to the end of the text.
  private static func withoutQuotedText(_ text: String) -> String {
    var kept = ""
    var rest = text[...]
    while let start = rest.firstIndex(of: "\"") {
      kept += rest[...start] + mask
      rest = rest[rest.index(after: start)...]
      // A quotation mark behind a backslash is part of the quotation.
      while let character = rest.first, character != "\"" { rest = rest.dropFirst(character == "\\" ? 2 : 1) }
      guard !rest.isEmpty else { return kept }
      kept += "\""
      rest = rest.dropFirst()
    }
    return kept + rest
  }

  /// The path of a URL without access tokens and what follows the name of something secret.
  public static func path(_ path: String) -> String {
    // Tokens may be percent-encoded, in part or as a whole.
    let decoded = path.removingPercentEncoding ?? path
    let masked = text(decoded)
    let segments = masked.split(separator: "/", omittingEmptySubsequences: false).map { segment -> String in
      guard SecretText.isMentioned(in: segment), let end = segment.firstIndex(where: { !$0.isLetter && !"_-.:".contains($0) }) else {
        return String(segment)
      }
      return "\(segment[..<end])\(mask)"
    }
    let kept = segments.joined(separator: "/")
    return kept == decoded ? path : kept
  }

  /// The query of a URL without the values of secret parameters, without filters that ask for a secret, and without access tokens.
  public static func query(_ query: String) -> String {
    query.split(separator: "&", omittingEmptySubsequences: false).map { parameter in
      let name = parameter.prefix { $0 != "=" }
      let value = parameter.dropFirst(name.count)
      let decoded = value.removingPercentEncoding ?? String(value)
      let isUnsafe = isSecretParameter(name) || SecretText.isMentioned(in: decoded) || holdsToken(decoded)
      return isUnsafe && !value.isEmpty ? "\(name)=\(mask)" : String(parameter)
    }.joined(separator: "&")
  }

  /// Whether the parameter of a URL is secret by its name, however that is encoded and written.
  public static func isSecretParameter(_ name: some StringProtocol) -> Bool {
    let plain = (name.removingPercentEncoding ?? String(name)).replacing("+", with: " ").filter { !$0.isWhitespace }.replacing(
      "-", with: "_")
    let folded = plain.lowercased()
    return isSecret(folded) || isSecret(String(folded.trimmingPrefix("x_"))) || ["id_token", "bearer_token", "bearer"].contains(folded)
  }

  /// Whether `text` has something in it that looks like an access token.
  public static func holdsToken(_ text: some StringProtocol) -> Bool {
    let bytes = Array(text.utf8)
    return maskingTokens(in: bytes) != bytes
  }

  /// What stands in place of an access token.
  public static let maskedToken = "rollcall_" + mask

  /// Whether something stands in `query` in place of a secret.
  public static func isRedacted(_ query: String) -> Bool { query.contains(mask) }

  /// `text` with the text of access tokens masked: those of this service, whatever their case, and JSON Web Tokens.
  public static func maskingTokens(in text: [UInt8]) -> [UInt8] {
    guard var found = find(in: text, from: 0) else { return text }
    var masked: [UInt8] = []
    masked.reserveCapacity(text.count)
    var copied = 0
    while true {
      var end = found.secret
      while end < text.count, Base64URL.isInAlphabet(text[end]) || (found.isWebToken && text[end] == UInt8(ascii: ".")) { end += 1 }
      if found.isSecret(text[found.secret..<end]) {
        masked += text[copied..<found.secret]
        masked += mask.utf8
        copied = end
      }
      guard let next = find(in: text, from: max(end, found.secret)) else { break }
      found = next
    }
    return masked + text[copied...]
  }

  /// Where a token may begin.
  private struct TokenStart {
    /// Where the part begins that is secret.
    var secret: Int
    var isWebToken: Bool

    func isSecret(_ text: ArraySlice<UInt8>) -> Bool {
      // Whatever is shorter than any secret is a name.
      guard text.count >= Redaction.minimumSecret else { return false }
      return !isWebToken || text.count { $0 == UInt8(ascii: ".") } >= 2
    }
  }

  /// ``Models/AccessToken/prefix``
  private static let prefix = Array("rollcall_".utf8)
  /// Of `{"` in base64url, which the header of a JSON Web Token begins with.
  private static let webTokenPrefix = Array("eyJ".utf8)
  private static let minimumSecret = 16

  private static func find(in text: [UInt8], from start: Int) -> TokenStart? {
    text.withUnsafeBufferPointer { text in
      var index = start
      while index < text.count {
        switch text[index] {
        case UInt8(ascii: "r"), UInt8(ascii: "R"):
          if begins(text[index...], with: prefix, foldingCase: true) {
            return TokenStart(secret: index + prefix.count, isWebToken: false)
          }
        case UInt8(ascii: "e"):
          if begins(text[index...], with: webTokenPrefix, foldingCase: false), index == 0 || !Base64URL.isInAlphabet(text[index - 1]) {
            return TokenStart(secret: index, isWebToken: true)
          }
        default: break
        }
        index += 1
      }
      return nil
    }
  }

  private static func begins(_ text: Slice<UnsafeBufferPointer<UInt8>>, with prefix: [UInt8], foldingCase: Bool) -> Bool {
    guard text.count >= prefix.count else { return false }
    return zip(text, prefix).allSatisfy { $0 == $1 || (foldingCase && (0x41...0x5A).contains($0) && $0 | 0x20 == $1) }
  }
}
