import HTTPTypes
import Hummingbird
import Models
import NIOCore
import ProvisioningLog
import SCIM

/// The error of a request: a SCIM error (RFC 7644 §3.12) and the headers of its response.
package struct APIError: HTTPResponseError, Sendable, Equatable {
  /// The body of the response.
  package var error: SCIMError
  /// The headers of the response, such as `Retry-After`.
  package var headers: HTTPFields = [:]
  /// The detail for the product, if it differs from the one for the identity provider.
  private(set) var productDetail: String?

  /// The default value of `Retry-After`, in seconds.
  package static let retrySeconds = 2

  /// An error with a SCIM error as its body.
  package init(_ error: SCIMError, headers: HTTPFields = [:]) {
    self.error = error
    self.headers = headers
  }

  /// An error with a `scimType` of RFC 7644 table 9.
  package init(_ status: Int, _ type: SCIMErrorType, _ detail: String, headers: HTTPFields = [:]) {
    self.init(SCIMError(status: status, scimType: type, detail: detail), headers: headers)
  }

  /// An error without a `scimType`.
  package init(_ status: Int, _ detail: String, headers: HTTPFields = [:]) {
    self.init(SCIMError(status: status, scimType: nil, detail: detail), headers: headers)
  }
}

extension APIError {
  /// The same error, whose `detail` advises the product if it differs from the one for the identity provider.
  var addressingProduct: APIError {
    guard let productDetail else { return self }
    return APIError(SCIMError(status: error.status, scimType: error.scimType, detail: productDetail), headers: headers)
  }

  /// The same error with another detail for the product.
  func forProduct(_ detail: String) -> APIError {
    var error = self
    error.productDetail = detail
    return error
  }

  /// The HTTP status.
  package var status: HTTPResponse.Status { HTTPResponse.Status(code: error.status) }

  /// The response with the SCIM error, in the media type that the request accepts.
  package func response(from request: Request, context: some RequestContext) throws -> Response {
    response(mediaType: MediaType.ofAnswer(accept: request.headers[.accept]))
  }

  /// The response with the SCIM error.
  package func response(mediaType: String) -> Response {
    .json(status, ByteBuffer(bytes: error.body()), mediaType: mediaType, headers: headers)
  }

  /// The error with which identity-store rejected a command.
  ///
  /// - Parameter error: a SCIM error in JSON, of which the detail is used.
  package init(status: Int, stored error: [UInt8]) {
    var detail: String?
    // A malformed error has no detail; the status remains.
    do { detail = try JSON(parsing: error).object?["detail"]?.string } catch { detail = nil }
    self.init(
      status, detail ?? "The request was refused.",
      headers: status == 503 || status == 429 ? [.retryAfter: "\(APIError.retrySeconds)"] : [:])
  }

  /// The same error without secrets in its detail.
  package var withoutSecrets: APIError { APIError(error.withoutSecrets, headers: headers) }
}

extension SCIMError {
  /// The same error without secrets in its detail.
  package var withoutSecrets: SCIMError { SCIMError(status: status, scimType: scimType, detail: Redaction.text(detail)) }
}

// Errors for requests that scim-api rejects itself.
extension APIError {
  /// 404 for a path without a route; 400 for an unsupported protocol version.
  package static func unknownPath(_ path: String) -> APIError {
    if let version = ResourcePath.version(in: path), version != "v2" {
      return APIError(
        400, .invalidVers,
        "The URL has the SCIM version '\(version.prefix(20))'; this service supports v2. Enter the SCIM base URL that ends in \(ResourcePath.base)/."
      )
    }
    return APIError(
      404, "There is nothing at '\(Redaction.path(path).prefix(200))'. The SCIM base URL of this service ends in \(ResourcePath.base)/.")
  }

  static func methodNotAllowed(_ method: String, allowed list: String) -> APIError {
    APIError(405, "\(method.prefix(20)) is not supported here. Supported methods: \(list).", headers: [.allow: list])
  }

  static func unsupportedMediaType(_ type: String) -> APIError {
    APIError(415, "The body is '\(type.prefix(100))'; send application/scim+json or application/json, in UTF-8.")
  }

  /// 415 with the supported codings in `Accept-Encoding` (RFC 9110 §15.5.16).
  static func unsupportedContentEncoding(_ coding: String) -> APIError {
    APIError(
      415, "The body is encoded with '\(coding.prefix(50))'. Send it without compression, and without Content-Encoding.",
      headers: [.acceptEncoding: "identity"])
  }

  static func unsupportedBody(_ encoding: MediaType.BodyEncoding) -> APIError {
    switch encoding {
    case .gzip: unsupportedContentEncoding("gzip")
    case .utf16: APIError(415, "The body is not encoded in UTF-8 but looks like UTF-16 or UTF-32. Send JSON in UTF-8.")
    }
  }

  static func unsupportedTransferEncoding(_ coding: String) -> APIError {
    APIError(
      501, "The Transfer-Encoding is '\(coding.prefix(50))'; only 'chunked' is supported. Send the body without compression.",
      headers: [.connection: "close"])
  }

  /// 408 for a body that arrived too slowly, or not at all.
  package static func requestTimeout() -> APIError {
    APIError(
      408, "The body of the request did not arrive in time; nothing was changed. Send the request again, with its body without pauses.",
      headers: [.connection: "close"])
  }

  static func notAcceptable(_ accept: String) -> APIError {
    APIError(
      406,
      "The request accepts '\(accept.prefix(100))'; responses are application/scim+json or application/json. Name one of them in Accept."
    )
  }

  /// 413 for a body that exceeds the limit of its route.
  package static func bodyTooLarge(limit: Int) -> APIError {
    APIError(413, "The body is larger than \(limit) bytes. Split the request: add the members of a large group in several PATCH requests.")
  }

  static func bodyMissing() -> APIError {
    APIError(400, .invalidSyntax, "The request has no body; expected a JSON object.")
  }

  /// 503 if this process has too many requests in flight.
  package static func overloaded(retryAfter seconds: Int = 1) -> APIError {
    APIError(503, "The service is busy; nothing was changed. Send the request again in \(seconds) s.", headers: [.retryAfter: "\(seconds)"])
  }

  /// 503 if Kafka does not accept the command, or cannot deliver the reply: a topic is missing, for example. See /readyz and the log.
  static func commandNotSent(retryAfter seconds: Int = retrySeconds) -> APIError {
    APIError(
      503, "The service cannot process writes at the moment; nothing was changed. Send the request again in \(seconds) s.",
      headers: [.retryAfter: "\(seconds)"])
  }

  /// 429 if a token or a workspace has too many requests in flight.
  static func tooManyRequests(_ what: String, of owner: String, limit: Int, retryAfter seconds: Int = 1) -> APIError {
    APIError(
      429, "More than \(limit) \(what) of this \(owner) are in flight; nothing was changed. Send the request again in \(seconds) s.",
      headers: [.retryAfter: "\(seconds)"])
  }

  /// 503 if no reply arrived by the deadline and none is recorded: the command was not executed and will not be.
  static func noReply(_ command: CommandID, retryAfter seconds: Int = retrySeconds) -> APIError {
    APIError(
      503, "The write was not executed in time and will not be (command \(command)). Send the request again in \(seconds) s.",
      headers: [.retryAfter: "\(seconds)"])
  }

  /// 404 if the write was executed, but another request has deleted the resource before the response.
  static func deletedSince(_ command: CommandID) -> APIError {
    APIError(
      404,
      """
      The write was executed (command \(command)), but the resource has been deleted since. Assign it again if it should exist.
      """)
  }

  /// 503 if no reply arrived by the deadline, and the database with the record is unavailable.
  static func outcomeUnknown(_ command: CommandID, retryAfter seconds: Int = retrySeconds) -> APIError {
    APIError(
      503,
      """
      The database does not respond, so it is unknown whether the write was executed (command \(command)). Read the resource in \
      \(seconds) s, and send the request again if it has not changed.
      """,
      headers: [.retryAfter: "\(seconds)"])
  }

  /// 503 for a request that is not finished when the process shuts down.
  static func shuttingDown(retryAfter seconds: Int = retrySeconds) -> APIError {
    APIError(
      503, "The service is shutting down. Send the request again in \(seconds) s.", headers: [.retryAfter: "\(seconds)"])
  }

  /// 413 if the message is too large for Kafka.
  static func commandTooLarge() -> APIError {
    APIError(413, "The request is too large. Add the members of a large group in several PATCH requests.")
  }

  /// 503 while the database is unavailable.
  package static func databaseAway(retryAfter seconds: Int = retrySeconds) -> APIError {
    APIError(
      503, "The database is unavailable at the moment. Send the request again in \(seconds) s.", headers: [.retryAfter: "\(seconds)"])
  }

  /// 500 for an internal error, with the trace id that the operator finds it by.
  static func internalError(trace: String) -> APIError {
    APIError(500, "The request failed for a reason on our side. Tell the operator this trace id: \(trace).")
  }
}
