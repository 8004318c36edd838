import Foundation

extension Command {
  /// The message of this command.
  ///
  /// - Parameter source: The process that produces it, such as `scim-api/0`.
  /// - Throws: The error of `JSONEncoder`.
  public func cloudEvent(source: String) throws -> CloudEvent {
    var extensions: CloudEvent.Extensions = ["workspaceid": workspace.description, "actor": actor.rawValue]
    if let session { extensions["sessionid"] = session.description }
    if let deadline { extensions["deadline"] = Timestamp.text(deadline) }
    if let expectedVersions { extensions["expectedversions"] = expectedVersions.map(String.init).joined(separator: ",") }
    if let settingsVersion { extensions["settingsversion"] = String(settingsVersion) }
    if let requestDigest { extensions["requestdigest"] = requestDigest }
    if let replyTo {
      extensions["replypartition"] = String(replyTo.partition)
      extensions["correlationid"] = replyTo.correlationID
    }
    return CloudEvent(
      id: id.description, source: source, type: operation.type, subject: resource.description, time: issuedAt,
      extensions: extensions, traceparent: traceparent, data: try operation.data())
  }

  /// Reads a command from its message.
  ///
  /// - Throws: ``MessageError`` if the message is not a command or malformed.
  public init(_ event: CloudEvent) throws(MessageError) {
    guard let id = CommandID(event.id) else { throw .malformed(attribute: "id", value: event.id) }
    guard let resource = ResourceID(event.subject) else { throw .malformed(attribute: "subject", value: event.subject) }
    var session: TokenID?
    if let text = event.extensions["sessionid"] {
      guard let id = TokenID(text) else { throw .malformed(attribute: "sessionid", value: text) }
      session = id
    }
    var deadline: Date?
    if let text = event.extensions["deadline"] {
      guard let date = Timestamp.date(text) else { throw .malformed(attribute: "deadline", value: text) }
      deadline = date
    }
    var expectedVersions: [Int64]?
    if let text = event.extensions["expectedversions"] {
      let versions = text.split(separator: ",").map { Int64($0) }
      guard !versions.contains(nil) else { throw .malformed(attribute: "expectedversions", value: text) }
      expectedVersions = versions.compactMap { $0 }
    }
    var settingsVersion: Int64?
    if let text = event.extensions["settingsversion"] {
      guard let version = Int64(text) else { throw .malformed(attribute: "settingsversion", value: text) }
      settingsVersion = version
    }
    var replyTo: ReplyAddress?
    if let text = event.extensions["replypartition"] {
      guard let partition = Int32(text), partition >= 0 else { throw .malformed(attribute: "replypartition", value: text) }
      replyTo = ReplyAddress(partition: partition, correlationID: try event.required("correlationid"))
    }
    self.init(
      id: id, workspace: try event.requiredID("workspaceid"), resource: resource,
      actor: Actor(rawValue: try event.required("actor")), session: session, issuedAt: event.time, deadline: deadline,
      expectedVersions: expectedVersions, settingsVersion: settingsVersion, requestDigest: event.extensions["requestdigest"],
      replyTo: replyTo,
      traceparent: event.traceparent,
      operation: try Operation(type: event.type, data: event.data))
  }
}
