import Foundation
import Primitives

extension SignIn {
  /// The CloudEvents type on `sign-in.events`.
  public static let eventType = "rollcall.sign-in.v1"

  /// The key of its message: the comparison key of the email where there is one, else the user's id.
  public var key: String { email.map { ComparisonKey($0).text } ?? user?.description ?? "" }

  public func cloudEvent(id: String, source: String, time: Date, traceparent: String?) throws -> CloudEvent {
    CloudEvent(
      id: id, source: source, type: Self.eventType, subject: key, time: time, extensions: ["workspaceid": workspace.description],
      traceparent: traceparent, data: try JSONData.encode(self))
  }

  /// - Throws: ``MessageError`` where the message is not a sign-in, or names nobody.
  public init(_ event: CloudEvent) throws(MessageError) {
    guard event.type == Self.eventType else { throw .unknownType(event.type) }
    self = try JSONData.decode(from: event.data, type: event.type)
    guard !key.isEmpty else { throw .undecodable(type: event.type, reason: "neither 'email' nor 'user' is given") }
  }
}
