import HTTPTypes
import Hummingbird
import Models
import NIOCore
import NIOHTTP1
import ProvisioningLog
import SCIM

/// An error of the product API or the management API: problem details (RFC 9457).
///
/// Controllers throw it where an ``APIError`` does not say enough: several errors in one body, or an error that a program tells apart by its
/// type. ``ErrorMiddleware`` writes every other ``APIError`` below ``ProblemDetails/paths`` in the same format.
package struct ProblemDetails: HTTPResponseError, Sendable, Equatable {
  /// A type of problem, by which a program tells it apart from others with the same status.
  package struct Kind: Sendable, Hashable {
    /// The last part of the `type` URI, such as `unknown-workspace`.
    package var name: String
    /// The `title`: the same for every problem of the type.
    package var title: String

    /// A type of problem.
    package init(name: String, title: String) {
      self.name = name
      self.title = title
    }

    /// The `type` URI.
    package var uri: String { "urn:rollcall:problem:" + name }
  }

  /// One error among several: in a member of a JSON body, or in a line of a file.
  package struct Item: Sendable, Hashable {
    /// Where the error is.
    package enum Place: Sendable, Hashable {
      /// A JSON pointer into the body (RFC 6901).
      case pointer(String)
      /// A line, from 1.
      case line(Int)
      /// A query parameter.
      case parameter(String)
    }

    /// Where the error is.
    package var place: Place
    /// What is wrong, and what is expected.
    package var detail: String

    /// An error at `place`.
    package init(_ place: Place, _ detail: String) {
      self.place = place
      self.detail = detail
    }
  }

  /// The HTTP status code.
  package var code: Int
  /// The type of problem; nil for `about:blank`: the status says it all.
  package var kind: Kind?
  /// What is wrong with this request, and what to do.
  package var detail: String
  /// The individual errors.
  package var errors: [Item]
  /// The headers of the response, such as `Retry-After`.
  package var headers: HTTPFields

  /// Problem details; nil as `kind` is the type `about:blank`.
  package init(_ code: Int, _ kind: Kind? = nil, _ detail: String, errors: [Item] = [], headers: HTTPFields = [:]) {
    self.code = code
    self.kind = kind
    self.detail = detail
    self.errors = errors
    self.headers = headers
  }

  /// The same error as problem details.
  package init(_ error: APIError) {
    self.init(error.error.status, error.error.scimType.flatMap(Kind.init), error.error.detail, headers: error.headers)
  }

  /// The media type of problem details.
  package static let mediaType = "application/problem+json"

  /// The most ``errors`` of one response.
  package static let maximumErrors = 1000

  /// The HTTP status.
  package var status: HTTPResponse.Status { HTTPResponse.Status(code: code) }

  /// The JSON of the body.
  package var body: [UInt8] {
    var members: JSONObject = [
      "type": .string(kind?.uri ?? "about:blank"),
      "title": .string(kind?.title ?? HTTPResponseStatus(statusCode: code).reasonPhrase),
      "status": .integer(Int64(code)),
      "detail": .string(detail),
    ]
    if !errors.isEmpty { members["errors"] = .array(errors.prefix(Self.maximumErrors).map(\.json)) }
    return JSON.object(members).serialized()
  }

  /// The response.
  package var response: Response {
    var headers = headers
    headers[.contentType] = Self.mediaType
    return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: body)))
  }

  /// The response.
  package func response(from _: Request, context _: some RequestContext) -> Response { response }

  /// The same problem without secrets in its texts.
  package var withoutSecrets: ProblemDetails {
    var problem = self
    problem.detail = Redaction.text(detail)
    problem.errors = errors.map { Item($0.place, Redaction.text($0.detail)) }
    return problem
  }
}

extension ProblemDetails.Item {
  fileprivate var json: JSON {
    let text = JSON.string(detail)
    return switch place {
    case .pointer(let pointer): .object(["pointer": .string(pointer), "detail": text])
    case .line(let line): .object(["line": .integer(Int64(line)), "detail": text])
    case .parameter(let name): .object(["parameter": .string(name), "detail": text])
    }
  }
}

extension ProblemDetails.Kind {
  /// The body is not what the route expects; `errors` lists the members.
  package static let invalidBody = Self(name: "invalid-body", title: "The body is not valid")
  /// A query parameter is not what the route expects.
  package static let invalidParameter = Self(name: "invalid-parameter", title: "A parameter is not valid")
  /// The cursor was not issued for this list, or has expired.
  package static let invalidCursor = Self(name: "invalid-cursor", title: "The cursor is not valid")
  /// No workspace has the id or slug.
  package static let unknownWorkspace = Self(name: "unknown-workspace", title: "The workspace does not exist")
  /// The request names no workspace, or two.
  package static let workspaceNotNamed = Self(name: "workspace-not-named", title: "The request does not name one workspace")
  /// The token belongs to another workspace.
  package static let otherWorkspace = Self(name: "other-workspace", title: "The token belongs to another workspace")
  /// The idempotency key was used for another request.
  package static let idempotencyConflict = Self(name: "idempotency-conflict", title: "The idempotency key was used for another request")
  /// The resource has changed since it was read.
  package static let versionConflict = Self(name: "version-conflict", title: "The resource has changed")

  /// The type for a `scimType` of the shared request parsing; nil if the status says it all.
  fileprivate init?(_ type: SCIMErrorType) {
    switch type {
    case .invalidCursor, .expiredCursor: self = .invalidCursor
    case .invalidSyntax: self = .invalidBody
    default: return nil
    }
  }
}

extension ProblemDetails {
  /// The roots of the paths whose errors are problem details.
  package static let paths = [
    ResourcePath.admin, ResourcePath.events, ResourcePath.signIns, ResourcePath.directory, ResourcePath.mailEvents,
  ]
}

/// Writes the errors of the product API and the management API as problem details.
package struct ProblemRenderer: ErrorRenderer {
  /// Creates a renderer.
  package init() {}

  /// Whether `path` is below one of ``ProblemDetails/paths``.
  package func handles(_ path: String) -> Bool {
    ProblemDetails.paths.contains { path.hasPrefix($0) && (path.utf8.count == $0.utf8.count || path.dropFirst($0.count).first == "/") }
  }

  /// The problem details for `error`.
  package func response(for error: APIError) -> Response { ProblemDetails(error).response }

  /// 404, with the place of the documentation.
  package func unknownPath(_ path: String) -> APIError {
    APIError(404, "There is nothing at '\(Redaction.path(path).prefix(200))'. The routes are listed in the product API's documentation.")
  }
}
