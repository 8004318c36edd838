import Foundation
import Primitives

extension SignIn {
  /// The CloudEvents type on `sign-in.events`.
  public static let eventType = "rollcall.sign-in.v1"

  /// Identifies the person within the workspace, and is the subject of the message: the comparison key of the email, or else the id of the user.
  public var key: String { email.map { ComparisonKey($0).text } ?? user?.description ?? "" }

  /// The message of this event.
  ///
  /// - Parameters:
  ///   - id: The CloudEvents id.
  ///   - source: The process that produces it, such as `scim-api/0`.
  public func cloudEvent(id: String, source: String, time: Date, traceparent: String?) throws -> CloudEvent {
    CloudEvent(
      id: id, source: source, type: Self.eventType, subject: key, time: time, extensions: ["workspaceid": workspace.description],
      traceparent: traceparent, data: try JSONData.encode(self))
  }

  /// Reads the event from its message.
  ///
  /// - Throws: ``MessageError`` if the message is of another type, malformed, or names neither email nor user.
  public init(_ event: CloudEvent) throws(MessageError) {
    guard event.type == Self.eventType else { throw .unreadable(event.type, known: [Self.eventType]) }
    self = try JSONData.decode(from: event.data, type: event.type)
    guard key.utf8.count <= TextBounds.name else {
      throw .undecodable(type: event.type, reason: "'email' has \(key.utf8.count) bytes; at most \(TextBounds.name) are possible")
    }
    guard !key.isEmpty else { throw .undecodable(type: event.type, reason: "neither 'email' nor 'user' is given") }
  }
}

/// The outcome of a sign-in.
public enum SignInOutcome: String, Sendable, Hashable, CaseIterable {
  /// The invited user became active.
  case promoted
  /// The user was already active.
  case alreadyActive = "already-active"
  /// The user stays disabled.
  case disabled
  /// No user has the address yet. The sign-in is stored for ``SignIn/memory``: a user who is provisioned by then is created as active.
  case remembered
  /// No user has the id, and there is no address to store.
  case unknownUser = "unknown-user"
}

extension SignIn {
  /// How long the sign-in of an unknown address is stored: 30 days, in seconds.
  public static let memory: TimeInterval = 30 * 86_400
}
