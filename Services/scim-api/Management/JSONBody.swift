import EdgeHTTP
import Foundation
import Hummingbird
import Models
import SCIM

/// The JSON object in the body of a request to the management API.
struct JSONBody: Sendable {
  /// The members of the object.
  let object: JSONObject
  /// The bytes of the body; empty if the request has none.
  let bytes: [UInt8]

  /// The largest body, in bytes. Settings have at most half of it.
  static let maximum = 1 << 20

  private static let mediaTypes: Set<String> = ["application/json", "application/merge-patch+json"]

  /// Reads the body of a request.
  ///
  /// - Parameters:
  ///   - members: the members that the route knows; nil if they are checked later.
  ///   - isOptional: whether a missing body counts as an empty object.
  /// - Throws: 400, 413, 415, 429 or 503.
  init(
    of request: Request, _ context: CallerContext, with bodies: BodyReader, members: Set<String>? = nil, isOptional: Bool = false
  ) async throws {
    var share = BodyBudget.Share(of: bodies.budget, for: .workspace(context.caller.workspace))
    bytes = try await BodyReader.collect(request, share: &share, maximum: min(Self.maximum, bodies.maximum))
    guard !(bytes.isEmpty && isOptional) else {
      object = JSONObject()
      return
    }
    try Self.check(contentType: request.headers[.contentType])
    let json = try BodyReader.parse(bytes)
    share.release()
    guard let object = json.object else {
      throw ProblemDetails(400, .invalidBody, "The body must be a JSON object, found \(json.summary).")
    }
    self.object = object
    guard let members else { return }
    let unknown = object.keys.filter { !members.contains($0) }
    guard unknown.isEmpty else {
      throw ProblemDetails.invalidBody(
        unknown.map {
          ProblemDetails.Item(.member($0), "'\($0.prefix(100))' is not known here; expected: \(members.sorted().joined(separator: ", ")).")
        })
    }
  }

  private static func check(contentType: String?) throws {
    guard let contentType, !contentType.isEmpty else { return }
    let type = contentType.prefix { $0 != ";" }.filter { !$0.isWhitespace }.lowercased()
    guard mediaTypes.contains(type) else {
      throw ProblemDetails(
        415, nil, "The body is '\(contentType.prefix(100))'; send application/json, or application/merge-patch+json for a PATCH.")
    }
  }

  /// The string member `name`; nil if it is absent or null.
  func string(_ name: String) throws -> String? {
    switch object[name] {
    case nil, .null?: return nil
    case .string(let text)?: return text
    case let other?: throw ProblemDetails.invalidMember(name, "\(name) must be a string, found \(other.summary).")
    }
  }

  /// The string member `name`.
  ///
  /// - Throws: 400 if it is absent, null or empty.
  func requiredString(_ name: String) throws -> String {
    guard let text = try string(name), !text.isEmpty else { throw ProblemDetails.invalidMember(name, "\(name) is missing.") }
    return text
  }

  /// The time in the member `name`; nil if it is absent or null.
  ///
  /// - Throws: 400 if it is not a time in the future.
  func futureTime(_ name: String, at now: Date) throws -> Date? {
    guard let text = try string(name) else { return nil }
    guard let time = Timestamp.date(text) else {
      throw ProblemDetails.invalidMember(name, "\(name) must be a time such as \"2027-01-31T08:00:00Z\", found '\(text.prefix(100))'.")
    }
    guard time > now else { throw ProblemDetails.invalidMember(name, "\(name), \(text.prefix(100)), is in the past.") }
    return time
  }
}

extension ProblemDetails.Item.Place {
  /// The member of the body with this name.
  static func member(_ name: String) -> Self { .pointer("/" + name.replacing("~", with: "~0").replacing("/", with: "~1")) }
}

extension ProblemDetails {
  /// 400 for a body with errors in these places.
  static func invalidBody(_ errors: [Item]) -> ProblemDetails {
    ProblemDetails(
      400, .invalidBody, errors.count == 1 ? errors[0].detail : "The body has \(errors.count) errors; nothing was changed.", errors: errors)
  }

  /// 400 for one member of the body.
  static func invalidMember(_ name: String, _ detail: String) -> ProblemDetails {
    invalidBody([Item(.member(name), detail)])
  }
}

extension Reply.Outcome {
  /// - Throws: the error with which identity-store refused the command.
  func checkDone() throws {
    if case .refused(let status, let error) = self { throw ProblemDetails(APIError(status: status, stored: error)) }
  }
}
