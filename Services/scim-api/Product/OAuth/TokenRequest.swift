import EdgeHTTP
import EdgeReads
import Foundation
import Models

/// A request for an access token (RFC 6749 §4.4.2), with the client credentials, which are not verified yet.
struct TokenRequest: Sendable, Equatable {
  var client: String
  var secret: String
  /// The requested scopes; nil for all scopes of the client.
  var scopes: Set<TokenScope>?

  /// Parses the form in the body, and the client credentials from it or from the Authorization header (§2.3.1).
  init(form: String, authorization: String?) throws(OAuthError) {
    let parameters = try Self.parameters(form)
    let basic = try authorization.map { header throws(OAuthError) in try Self.basic(header) }
    if basic != nil, parameters["client_secret"] != nil {
      throw .invalidRequest("The client secret is in the Authorization header and in the body. Send it in one of them.")
    }
    if let basic, let id = parameters["client_id"], id != basic.client {
      throw .invalidRequest("The client_id in the body differs from the one in the Authorization header.")
    }
    guard let client = basic?.client ?? parameters["client_id"], let secret = basic?.secret ?? parameters["client_secret"] else {
      throw .invalidClient(
        "The request has no client credentials. Send client_id and client_secret by HTTP Basic authentication, or in the body.")
    }
    self.client = client
    self.secret = secret
    guard let grant = parameters["grant_type"] else { throw .invalidRequest("grant_type is missing; send client_credentials.") }
    guard grant == "client_credentials" else {
      throw OAuthError(
        code: .unsupportedGrantType, description: "The grant type '\(grant.prefix(50))' is not supported; send client_credentials.")
    }
    scopes = try parameters["scope"].map { text throws(OAuthError) in try Self.scopes(text) }
  }

  private static func scopes(_ text: String) throws(OAuthError) -> Set<TokenScope> {
    var scopes: Set<TokenScope> = []
    for name in text.split(separator: " ") {
      guard let scope = TokenScope(rawValue: String(name)) else { throw .unknownScope(String(name)) }
      scopes.insert(scope)
    }
    return scopes
  }

  /// Parses the form. A parameter may occur once, and one without a value is treated as absent (RFC 6749 §3.2).
  private static func parameters(_ form: String) throws(OAuthError) -> [String: String] {
    var parameters: [String: String] = [:]
    for pair in form.utf8.split(separator: UInt8(ascii: "&")) {
      let parts = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
      guard let name = decode(parts[0]), let value = decode(parts.count > 1 ? parts[1] : Substring().utf8[...]) else {
        throw .invalidRequest("The body is not application/x-www-form-urlencoded in UTF-8.")
      }
      guard parameters[name] == nil else { throw .invalidRequest("'\(name.prefix(50))' occurs more than once.") }
      parameters[name] = value
    }
    return parameters.filter { !$0.value.isEmpty }
  }

  private static func basic(_ header: String) throws(OAuthError) -> (client: String, secret: String) {
    let parts = header.split(separator: " ", maxSplits: 1)
    guard parts.count == 2, parts[0].lowercased() == "basic" else {
      throw .invalidClient("The Authorization header is not HTTP Basic authentication with the client's id and secret.")
    }
    let encoded = parts[1].filter { $0 != " " }
    guard let data = Data(base64Encoded: encoded), let text = String(data: data, encoding: .utf8), let colon = text.firstIndex(of: ":"),
      let client = decode(text[..<colon].utf8), let secret = decode(text[text.index(after: colon)...].utf8)
    else { throw .invalidClient("The Authorization header is not HTTP Basic authentication with the client's id and secret.") }
    return (client, secret)
  }

  /// Decodes application/x-www-form-urlencoded text, the encoding of forms and of both parts of Basic authentication (RFC 6749 §2.3.1).
  private static func decode(_ text: some Collection<UInt8>) -> String? {
    let spaced = text.map { $0 == UInt8(ascii: "+") ? UInt8(ascii: " ") : $0 }
    return String(validating: spaced, as: UTF8.self)?.removingPercentEncoding
  }
}

extension OAuthError {
  static func unknownScope(_ name: String) -> OAuthError {
    OAuthError(
      code: .invalidScope,
      description: "The scope '\(name.prefix(100))' does not exist. Scopes: \(TokenScope.allCases.map(\.rawValue).joined(separator: ", "))."
    )
  }
}
