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
    guard key.utf8.count <= TextBounds.name else {
      throw .undecodable(type: event.type, reason: "'email' has \(key.utf8.count) bytes; at most \(TextBounds.name) are possible")
    }
    guard !key.isEmpty else { throw .undecodable(type: event.type, reason: "neither 'email' nor 'user' is given") }
  }
}

/// What became of a sign-in.
public enum SignInOutcome: String, Sendable, Hashable, CaseIterable {
  /// The person was invited, and is active now.
  case promoted
  case alreadyActive = "already-active"
  /// The person is disabled and stays so.
  case disabled
  /// No user has the address yet: the sign-in is remembered for ``SignIn/memory``; a user who is provisioned with it by then starts active.
  case remembered
  /// Nobody has the user id, and no address is given that could be remembered.
  case unknownUser = "unknown-user"
}

extension SignIn {
  /// How long a sign-in of somebody who is not provisioned yet is remembered, in seconds: 30 days.
  public static let memory: TimeInterval = 30 * 86_400
}
