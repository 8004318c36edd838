import Foundation
import Primitives
import SCIM

/// Removes secrets from logged requests: passwords (Okta and OneLogin send random ones with every user), attributes with names of secrets,
/// and access tokens.
public enum Redaction {
  /// The placeholder for a secret.
  static let mask = "(removed)"

  /// A redacted body.
  public struct Outcome: Sendable, Hashable {
    /// The body without secrets.
    public var json: JSON
    /// The names of the removed attributes, without duplicates.
    public var removed: [String] = []
    /// The removed texts, which must not appear in an error detail either.
    var secrets: [String] = []
  }

  /// Removes attributes with names of secrets at any depth, and the values of PATCH operations whose path has such a name.
  public static func body(_ json: JSON) -> Outcome {
    var outcome = Outcome(json: json)
    if let rewritten = rewritten(json, &outcome) { outcome.json = rewritten }
    return outcome
  }

  /// Whether an attribute or path (`password`, `urn:…:User:password`, `Password[…]`) has the name of a secret.
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
        // Lower-cases letters; the underscore is mapped in the same way.
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

  /// The lower-case names by length, because most attributes have another length.
  private static let namesByLength: [[[UInt8]]] = {
    let lifted = names.map { $0.utf8.map { $0 == UInt8(ascii: "_") ? $0 | 0x20 : $0 } }
    return (0...(lifted.map(\.count).max() ?? 0)).map { length in lifted.filter { $0.count == length } }
  }()

  private static let names = [
    "password", "passwd", "pwd", "secret", "clientsecret", "client_secret", "token", "accesstoken", "access_token", "refreshtoken",
    "refresh_token", "apikey", "api_key", "privatekey", "private_key", "digest", "authorization",
  ]

  /// Removes secrets; nil if there are none.
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
    // JSON in a string, as in Entra ID's roles.
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
    // The target of an invalid path is unknown.
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

  /// Whether the key of a member is a path that may contain a secret, such as `password xx "…"`.
  private static func isSecretText(_ name: String) -> Bool {
    name.utf8.contains { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\"") } && SecretText.isMentioned(in: name)
  }

  /// The logged value of a filter, a path or a list of names that names a secret attribute; nil if there is nothing to remove.
  private static func withoutSecretText(_ member: JSONObject.Member) -> JSON? {
    // Most members have a name of another length.
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

  /// The leading attribute path of `text`, because the rest may be a secret; for the path of a resource, the endpoint.
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
  /// Removes the secrets that were found in the body from an error detail, which may quote the body.
  public static func detail(_ detail: String, without outcome: Outcome?) -> String {
    var detail = detail
    for secret in outcome?.secrets ?? [] where detail.contains(secret) { detail = detail.replacing(secret, with: mask) }
    // Error messages quote the start of a long text.
    for secret in outcome?.secrets ?? [] where secret.count > 40 && detail.contains(secret.prefix(40)) {
      detail = detail.replacing(secret.prefix(40), with: mask)
    }
    return detail
  }

  /// Removes access tokens from a text, and quoted text if it names a secret attribute.
  public static func text(_ text: String) -> String {
    let masked = String(decoding: maskingTokens(in: Array(text.utf8)), as: UTF8.self)
    return SecretText.isMentioned(in: masked) ? withoutQuotedText(masked) : masked
  }

  /// Masks text in double quotes; an unterminated quotation extends to the end of the text.
  private static func withoutQuotedText(_ text: String) -> String {
    var kept = ""
    var rest = text[...]
    while let start = rest.firstIndex(of: "\"") {
      kept += rest[...start] + mask
      rest = rest[rest.index(after: start)...]
      // An escaped quotation mark is part of the quotation.
      while let character = rest.first, character != "\"" { rest = rest.dropFirst(character == "\\" ? 2 : 1) }
      guard !rest.isEmpty else { return kept }
      kept += "\""
      rest = rest.dropFirst()
    }
    return kept + rest
  }

  /// Removes access tokens, and text after names of secrets, from the path of a URL.
  public static func path(_ path: String) -> String {
    // Tokens may be partly or fully percent-encoded.
    let decoded = percentDecoded(path)
    let masked = text(decoded)
    guard SecretText.isMentioned(in: masked) else { return masked == decoded ? path : masked }
    let segments = masked.split(separator: "/", omittingEmptySubsequences: false).map { segment -> String in
      guard SecretText.isMentioned(in: segment), let end = segment.firstIndex(where: { !$0.isLetter && !"_-.:".contains($0) }) else {
        return String(segment)
      }
      return "\(segment[..<end])\(mask)"
    }
    let kept = segments.joined(separator: "/")
    return kept == decoded ? path : kept
  }

  /// Removes secret parameters, filters that name secret attributes, and access tokens from the query of a URL.
  public static func query(_ query: String) -> String {
    query.split(separator: "&", omittingEmptySubsequences: false).map { parameter in
      let name = parameter.prefix { $0 != "=" }
      let value = parameter.dropFirst(name.count)
      let decoded = percentDecoded(value)
      let isUnsafe = isSecretParameter(name) || SecretText.isMentioned(in: decoded) || holdsToken(decoded)
      return isUnsafe && !value.isEmpty ? "\(name)=\(mask)" : String(parameter)
    }.joined(separator: "&")
  }

  /// Whether a URL parameter has the name of a secret, in any encoding and case.
  public static func isSecretParameter(_ name: some StringProtocol) -> Bool {
    // Nearly all names are letters only.
    if name.utf8.allSatisfy({ (0x61...0x7A).contains($0 | 0x20) }) {
      return isSecret(String(name)) || (name.utf8.count == 6 && name.lowercased() == "bearer")
    }
    let plain = percentDecoded(name).replacing("+", with: " ").filter { !$0.isWhitespace }.replacing("-", with: "_")
    let folded = plain.lowercased()
    return isSecret(folded) || isSecret(String(folded.trimmingPrefix("x_"))) || ["id_token", "bearer_token", "bearer"].contains(folded)
  }

  /// Decodes percent-encoded text. A malformed escape stays as it is, so that it does not hide the escapes beside it.
  public static func percentDecoded(_ text: some StringProtocol) -> String {
    guard text.utf8.contains(UInt8(ascii: "%")) else { return String(text) }
    return String(decoding: percentDecoded(text.utf8), as: UTF8.self)
  }

  /// Decodes percent-encoded bytes. A malformed escape stays as it is.
  public static func percentDecoded(_ text: some Collection<UInt8>) -> [UInt8] {
    let bytes = Array(text)
    guard bytes.contains(UInt8(ascii: "%")) else { return bytes }
    var decoded: [UInt8] = []
    decoded.reserveCapacity(bytes.count)
    var index = 0
    while index < bytes.count {
      if bytes[index] == UInt8(ascii: "%"), index + 2 < bytes.count, let high = Hex.value(ofDigit: bytes[index + 1]),
        let low = Hex.value(ofDigit: bytes[index + 2])
      {
        decoded.append(high << 4 | low)
        index += 3
      } else {
        decoded.append(bytes[index])
        index += 1
      }
    }
    return decoded
  }

  /// Whether `text` contains what looks like an access token.
  public static func holdsToken(_ text: some StringProtocol) -> Bool { holdsToken(Array(text.utf8)) }

  /// Whether UTF-8 text contains what looks like an access token.
  public static func holdsToken(_ text: [UInt8]) -> Bool { maskingTokens(in: text) != text }

  /// The placeholder for an access token.
  public static let maskedToken = "rollcall_" + mask

  /// Whether a secret was removed from `query`.
  public static func isRedacted(_ query: String) -> Bool { query.contains(mask) }

  /// Masks access tokens: those of this service, in any case, and JSON Web Tokens.
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

  /// The start of a possible token.
  private struct TokenStart {
    /// The start of the secret part.
    var secret: Int
    var isWebToken: Bool

    func isSecret(_ text: ArraySlice<UInt8>) -> Bool {
      // A text shorter than any secret is a name, and so is one of capital letters: that of a setting in the environment.
      guard text.count >= Redaction.minimumSecret, !text.allSatisfy({ (0x41...0x5A).contains($0) || $0 == UInt8(ascii: "_") }) else {
        return false
      }
      return !isWebToken || text.count { $0 == UInt8(ascii: ".") } >= 2
    }
  }

  /// `AccessToken.prefix`
  private static let prefix = Array("rollcall_".utf8)
  /// `{"` in base64url, the start of the header of a JSON Web Token.
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
