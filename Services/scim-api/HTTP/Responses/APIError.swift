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

  /// The value of `Retry-After` where nothing more precise is known, in seconds.
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

  /// An error that RFC 7644 table 9 has no word for.
  package init(_ status: Int, _ detail: String, headers: HTTPFields = [:]) {
    self.init(SCIMError(status: status, scimType: nil, detail: detail), headers: headers)
  }
}

extension APIError {
  /// The HTTP status.
  package var status: HTTPResponse.Status { HTTPResponse.Status(code: error.status) }

  /// The response with the SCIM error, as the media type that the request accepts.
  package func response(from request: Request, context: some RequestContext) throws -> Response {
    response(mediaType: MediaType.ofAnswer(accept: request.headers[.accept]))
  }

  /// The response with the SCIM error.
  package func response(mediaType: String) -> Response {
    .json(status, ByteBuffer(bytes: error.body()), mediaType: mediaType, headers: headers)
  }

  /// An error that identity-store refused a command with.
  ///
  /// - Parameter error: a SCIM error in JSON.
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

// What the edge refuses without asking the store.
extension APIError {
  /// 404 for a path without a route; 400 for another version of SCIM.
  package static func unknownPath(_ path: String) -> APIError {
    if let version = ResourcePath.version(in: path), version != "v2" {
      return APIError(
        400, .invalidVers,
        "The URL asks for version '\(version.prefix(20))' of SCIM; this service speaks v2. Enter the SCIM base URL as it ends in \(ResourcePath.base)/."
      )
    }
    return APIError(
      404, "There is nothing at '\(Redaction.path(path).prefix(200))'. The SCIM base URL of this service ends in \(ResourcePath.base)/.")
  }

  static func methodNotAllowed(_ method: String, allowed list: String) -> APIError {
    APIError(405, "\(method.prefix(20)) is not possible here; possible are \(list).", headers: [.allow: list])
  }

  static func unsupportedMediaType(_ type: String) -> APIError {
    APIError(415, "The body is '\(type.prefix(100))'; send application/scim+json or application/json, in UTF-8.")
  }

  /// RFC 9110 §15.5.16: the answer says which codings are taken.
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

  /// The body arrived too slowly, or not at all.
  package static func requestTimeout() -> APIError {
    APIError(
      408, "The body of the request did not arrive in time; nothing was changed. Send the request again, and its body without pauses.",
      headers: [.connection: "close"])
  }

  static func notAcceptable(_ accept: String) -> APIError {
    APIError(
      406, "The request accepts '\(accept.prefix(100))'; answers are application/scim+json or application/json. Name one of them in Accept."
    )
  }

  static func bodyTooLarge(limit: Int) -> APIError {
    APIError(413, "The body is larger than \(limit) bytes. Split the request: add the members of a large group in several PATCH requests.")
  }

  static func bodyMissing() -> APIError {
    APIError(400, .invalidSyntax, "The request has no body; a JSON object was expected.")
  }

  /// More is in flight than this process is to hold.
  static func overloaded(retryAfter seconds: Int = 1) -> APIError {
    APIError(503, "The service is busy; nothing was changed. Send the request again in \(seconds) s.", headers: [.retryAfter: "\(seconds)"])
  }

  /// Kafka does not take the command, or could not deliver the reply: a topic is missing, for example. /readyz and the log say why.
  static func commandNotSent(retryAfter seconds: Int = retrySeconds) -> APIError {
    APIError(
      503, "The service cannot process writes at the moment; nothing was changed. Send the request again in \(seconds) s.",
      headers: [.retryAfter: "\(seconds)"])
  }

  /// A token, or a workspace, has more in flight than its share.
  static func tooManyRequests(_ what: String, of whose: String, limit: Int, retryAfter seconds: Int = 1) -> APIError {
    APIError(
      429, "More than \(limit) \(what) of this \(whose) are in flight; nothing was changed. Send the request again in \(seconds) s.",
      headers: [.retryAfter: "\(seconds)"])
  }

  /// No reply came by the deadline, and none is recorded: the command was not and will not be carried out.
  static func noReply(_ command: CommandID, retryAfter seconds: Int = retrySeconds) -> APIError {
    APIError(
      503, "The write was not carried out in time and will not be (command \(command)). Send the request again in \(seconds) s.",
      headers: [.retryAfter: "\(seconds)"])
  }

  /// No reply came by the deadline, and whether one is recorded cannot be found out.
  static func outcomeUnknown(_ command: CommandID, retryAfter seconds: Int = retrySeconds) -> APIError {
    APIError(
      503,
      """
      The database does not answer, so it is not known whether the write was carried out (command \(command)). Look the resource up in \
      \(seconds) s and send the request again where it has not changed.
      """,
      headers: [.retryAfter: "\(seconds)"])
  }

  /// The process ends before the request could be finished.
  static func shuttingDown(retryAfter seconds: Int = retrySeconds) -> APIError {
    APIError(
      503, "The service is shutting down. Send the request again in \(seconds) s.", headers: [.retryAfter: "\(seconds)"])
  }

  /// Kafka does not take a message as large as the request's.
  static func commandTooLarge() -> APIError {
    APIError(413, "The request is larger than can be carried out at once. Add the members of a large group in several PATCH requests.")
  }

  /// The database does not answer.
  package static func databaseAway(retryAfter seconds: Int = retrySeconds) -> APIError {
    APIError(
      503, "The database does not answer at the moment. Send the request again in \(seconds) s.", headers: [.retryAfter: "\(seconds)"])
  }

  /// Something of ours is broken; `trace` is what the operator finds it by.
  static func internalError(trace: String) -> APIError {
    APIError(500, "The request failed for a reason on our side. Tell the operator this trace id: \(trace).")
  }
}
