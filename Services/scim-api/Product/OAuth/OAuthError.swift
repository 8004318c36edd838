import EdgeHTTP
import EdgeReads
import HTTPTypes
import Hummingbird
import NIOCore
import SCIM

/// An error response of the token endpoint (RFC 6749 §5.2).
struct OAuthError: Error, Sendable, Equatable {
  var code: Code
  var description: String
  var status = 400
  var headers: HTTPFields = [:]

  enum Code: String, Sendable {
    case invalidRequest = "invalid_request"
    case invalidClient = "invalid_client"
    case invalidScope = "invalid_scope"
    case unauthorizedClient = "unauthorized_client"
    case unsupportedGrantType = "unsupported_grant_type"
    /// Defined for the authorization endpoint (RFC 6749 §4.1.2.1); the token endpoint has no code for it.
    case temporarilyUnavailable = "temporarily_unavailable"
    case serverError = "server_error"
  }

  /// Converts an error that all endpoints share.
  init(_ error: APIError) {
    self.init(code: .invalidRequest, description: error.error.detail, status: error.error.status, headers: error.headers)
  }

  init(code: Code, description: String, status: Int = 400, headers: HTTPFields = [:]) {
    self.code = code
    self.description = description
    self.status = status
    self.headers = headers
  }

  static func invalidRequest(_ description: String) -> OAuthError { OAuthError(code: .invalidRequest, description: description) }

  static func invalidClient(_ description: String) -> OAuthError {
    OAuthError(code: .invalidClient, description: description, status: 401, headers: [.wwwAuthenticate: "Basic realm=\"rollcall\""])
  }

  static func unavailable(_ description: String) -> OAuthError {
    OAuthError(
      code: .temporarilyUnavailable, description: description, status: 503, headers: [.retryAfter: "\(APIError.retrySeconds)"])
  }

  static func notConfigured() -> OAuthError {
    OAuthError(
      code: .unsupportedGrantType,
      description: "OAuth is not configured on this deployment. Its operator can set oauth.key for identity-store and scim-api. API access "
        + "tokens work without it.")
  }

  var response: Response {
    // RFC 6749 §5.2 allows ASCII without quotation marks and backslashes.
    let text = description.unicodeScalars.map { (0x20...0x7E).contains($0.value) && $0 != "\"" && $0 != "\\" ? Character($0) : "?" }
    let body: JSONObject = ["error": .string(code.rawValue), "error_description": .string(String(text))]
    return .oauth(HTTPResponse.Status(code: status), body, headers: headers)
  }
}

extension Response {
  /// A response of the token endpoint, which must not be cached (RFC 6749 §5.1).
  package static func oauth(_ status: HTTPResponse.Status, _ body: JSONObject, headers: HTTPFields = [:]) -> Response {
    var headers = headers
    headers[.cacheControl] = "no-store"
    if let pragma = HTTPField.Name("Pragma") { headers[pragma] = "no-cache" }
    return .json(status, ByteBuffer(bytes: body.serialized()), mediaType: MediaType.json, headers: headers)
  }
}
