import Credentials
import HTTPTypes
import Models
import Primitives

/// The bearer token of a request (RFC 6750 §2.1).
enum BearerToken {
  /// The text after `Bearer`.
  ///
  /// - Throws: 401 if there is none, or if it was entered incorrectly: with quotes, blanks or a second `Bearer`, for example.
  static func text(in authorization: String?) throws(APIError) -> Substring {
    if let authorization, let text = plainText(in: authorization) { return text }
    let header = (authorization ?? "")[...].trimmingBlanks
    guard !header.isEmpty else { throw .unauthenticated() }
    let scheme = header.prefix { !isBlank($0) }
    let text = header[scheme.endIndex...].trimmingBlanks
    guard scheme.lowercased() == "bearer" else {
      // The header value may be a secret, which must not appear in responses and logs.
      throw text.isEmpty || isToken(scheme) ? APIError.schemeMissing() : APIError.otherScheme(String(scheme))
    }
    guard !text.isEmpty else { throw .unauthenticated() }
    let first = text.prefix { !isBlank($0) }.lowercased()
    guard first != "bearer" else { throw .schemeTwice() }
    guard let start = text.first, !"\"'<“‘".contains(start) else { throw .quotedToken() }
    guard !text.contains(where: isBlank) else { throw .blankInToken() }
    return text
  }

  /// The fast path for the usual form: `Bearer`, one space, and letters, digits and the other characters of tokens (RFC 6750 §2.1).
  private static func plainText(in authorization: String) -> Substring? {
    let bytes = authorization.utf8
    guard bytes.starts(with: "Bearer ".utf8) else { return nil }
    let text = bytes.dropFirst(7)
    guard !text.isEmpty, text.allSatisfy({ Base64URL.isInAlphabet($0) || $0 == UInt8(ascii: ".") }) else { return nil }
    let isScheme = text.count == 6 && Substring(text).lowercased() == "bearer"
    return isScheme ? nil : Substring(text)
  }

  static func isBlank(_ character: Character) -> Bool { character == " " || character == "\t" }

  /// Whether the text in the place of the scheme is a token.
  private static func isToken(_ text: Substring) -> Bool { text.hasPrefix(AccessToken.prefix) || text.hasPrefix("eyJ") }
}

extension Substring {
  fileprivate var trimmingBlanks: Substring {
    var text = drop(while: BearerToken.isBlank)
    while let last = text.last, BearerToken.isBlank(last) { text.removeLast() }
    return text
  }
}

// Authentication and authorization errors, with instructions for the admin and the challenge of RFC 6750 §3. Those that the product can get say
// what its operator does.
extension APIError {
  /// How the product gets a token, as a sentence.
  private static let newToken = "Issue one with 'scimctl token issue', or create one of the workspace in Settings > API."

  /// 401 for a request without a token.
  package static func unauthenticated() -> APIError {
    challenge(nil, "The request has no access token. Send 'Authorization: Bearer <token>' with a token created in Settings > API.")
      .forProduct("The request has no access token. Send 'Authorization: Bearer <token>' with the product's token. \(newToken)")
  }

  static func schemeMissing() -> APIError {
    challenge(
      nil,
      """
      The Authorization header does not begin with 'Bearer' and a space. Send 'Authorization: Bearer <token>': put the word and a space before \
      the token, or choose bearer token authentication in the identity provider.
      """
    ).forProduct("The Authorization header does not begin with 'Bearer' and a space. Send 'Authorization: Bearer <token>'.")
  }

  static func schemeTwice() -> APIError {
    challenge(
      "invalid_token",
      """
      The Authorization header contains 'Bearer' twice: the identity provider adds the word itself. Enter the access token alone, so that it \
      sends 'Authorization: Bearer <token>'.
      """
    ).forProduct("The Authorization header contains 'Bearer' twice. Send 'Authorization: Bearer <token>'.")
  }

  static func quotedToken() -> APIError {
    challenge("invalid_token", "The access token is in quotation marks or brackets. Enter it without them.")
      .forProduct("The access token is in quotation marks or brackets. Send it without them.")
  }

  static func blankInToken() -> APIError {
    challenge("invalid_token", "The access token contains a space, or is followed by text. Copy the token again, without line breaks.")
  }

  /// The schemes that an error may name; any other text may be a secret.
  private static let knownSchemes: Set<String> = [
    "basic", "digest", "token", "ssws", "apikey", "api-key", "oauth", "negotiate", "ntlm", "hmac", "jwt", "hawk", "bearer:", "key",
  ]

  static func otherScheme(_ scheme: String) -> APIError {
    let named = knownSchemes.contains(scheme.lowercased()) ? "the scheme '\(scheme)'" : "another scheme than Bearer"
    return challenge(
      nil,
      """
      The Authorization header uses \(named). Choose HTTP header authentication in the identity provider, so \
      that it sends 'Authorization: Bearer <token>' with a token created in Settings > API.
      """
    ).forProduct("The Authorization header uses \(named). Send 'Authorization: Bearer <token>' with the product's token.")
  }

  static func malformedToken() -> APIError {
    challenge(
      "invalid_token", "The access token is not valid, or was cut off. Copy it again, or create a new one in Settings > API."
    ).forProduct("The access token is not valid, or was cut off. Send the product's token as it was issued, or a new one. \(newToken)")
  }

  static func unknownToken() -> APIError {
    challenge(
      "invalid_token", "The access token is not known here. Create a new one in Settings > API and enter it in the identity provider."
    ).forProduct(
      "The access token is not known here: check the URL of the deployment, and whether this is its token. Otherwise send a new one. \(newToken)"
    )
  }

  static func unknownClient() -> APIError {
    challenge(
      "invalid_token", "The OAuth client of the access token is not known here. Create a new one and enter it in the identity provider."
    ).forProduct("The OAuth client of the access token is not known here. Send the product's own token. \(newToken)")
  }

  /// 401 for a revoked token.
  package static func revoked(_ kind: TokenKind, _ name: String) -> APIError {
    challenge(
      "invalid_token",
      "The \(kind.noun) '\(name.prefix(100))' was revoked. Create a new one in Settings > API and enter it in the identity provider."
    ).forProduct("The product's \(kind.noun) '\(name.prefix(100))' was revoked. Send a new one. \(newToken)")
  }

  /// 401 for an expired token.
  package static func expired(_ kind: TokenKind, _ name: String) -> APIError {
    challenge(
      "invalid_token",
      "The \(kind.noun) '\(name.prefix(100))' has expired. Create a new one in Settings > API and enter it in the identity provider."
    ).forProduct("The product's \(kind.noun) '\(name.prefix(100))' has expired. Send a new one. \(newToken)")
  }

  static func scopeMissing(_ scope: TokenScope, _ kind: TokenKind, _ name: String) -> APIError {
    APIError(
      403,
      "The \(kind.noun) '\(name.prefix(100))' lacks the scope '\(scope.rawValue)'. Create one with that scope in Settings > API.",
      headers: [.wwwAuthenticate: "Bearer realm=\"rollcall\", error=\"insufficient_scope\", scope=\"\(scope.rawValue)\""]
    ).forProduct(
      """
      The product's \(kind.noun) '\(name.prefix(100))' lacks the scope '\(scope.rawValue)'. Issue one that has it with 'scimctl token issue \
      --scope \(scope.rawValue)', or create one of the workspace in Settings > API.
      """)
  }

  static func deploymentWideToken(_ name: String) -> APIError {
    APIError(
      403,
      """
      The access token '\(name.prefix(100))' is deployment-wide: it is for the product API and the management API only. Create a token of the \
      workspace in Settings > API.
      """)
  }

  /// 403 for a workspace without the plan, SAML SSO or the opt-in.
  package static func closedWorkspace(_ obstacle: WorkspaceSettings.SCIMObstacle, plan: WorkspaceSettings.Plan) -> APIError {
    let detail =
      switch obstacle {
      case .plan:
        "SCIM needs the enterprise plan; this workspace is on the plan '\(plan.rawValue)'. Upgrade it, or ask your account manager."
      case .samlSSO:
        "SCIM needs SAML SSO, which is not enabled for this workspace. Enable it in Settings > Security, then try again."
      case .optIn:
        "SCIM is not switched on for this workspace. Switch it on in Settings > SCIM, then try again."
      }
    return APIError(403, detail)
  }

  /// 401 with a `WWW-Authenticate` challenge.
  ///
  /// - Parameter error: the error code of RFC 6750 §3.1; nil if the request has no token.
  static func challenge(_ error: String?, _ detail: String) -> APIError {
    var challenge = "Bearer realm=\"rollcall\""
    if let error { challenge += ", error=\"\(error)\"" }
    return APIError(401, detail, headers: [.wwwAuthenticate: challenge])
  }
}

extension TokenKind {
  fileprivate var noun: String {
    switch self {
    case .token: "access token"
    case .client: "OAuth client"
    case .session: "session"
    case .link: "link"
    }
  }
}
