import Foundation
import Models

extension LogEntry {
  /// The CloudEvents type on `provisioning.log`.
  public static let eventType = "rollcall.provisioning-log-entry.v1"

  /// The message of this entry; `source` is the process that saw the request.
  public func cloudEvent(source: String) -> CloudEvent {
    CloudEvent(
      id: "\(id)", source: source, type: Self.eventType, subject: "\(workspace)", time: at,
      extensions: ["workspaceid": "\(workspace)"], data: json())
  }

  /// - Throws: ``MessageError`` where the message is no entry.
  public init(_ event: CloudEvent) throws(MessageError) {
    guard event.type == Self.eventType else { throw .unknownType(event.type) }
    try self.init(json: event.data)
  }
}
