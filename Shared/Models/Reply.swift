import Foundation

/// The outcome of one command, on `identity.replies` and recorded in the store.
public struct Reply: Sendable, Equatable {
  public var command: CommandID
  public var outcome: Outcome

  public init(command: CommandID, outcome: Outcome) {
    self.command = command
    self.outcome = outcome
  }

  public enum Outcome: Sendable, Equatable {
    /// The resource as it is after the write; `created` tells 201 from 200.
    case resource(StoredResource, created: Bool)
    /// Carried out, with nothing to show.
    case done
    /// What became of a sign-in.
    case signIn(SignInOutcome)
    /// What became of the operations of a bulk, in the order of the command; those that were left alone are missing at the end.
    case bulk([Bulk.Outcome])
    /// Not carried out: an HTTP status and a SCIM error in JSON (RFC 7644 §3.12).
    case refused(status: Int, error: [UInt8])
  }
}

/// A user or group as stored and as sent.
///
/// `document` is *open*: the JSON of the resource up to and inside `meta`, which comes last, without the two closing
/// braces. What depends on the moment or on the host that was called (`lastModified`, `version`, `location`) and what is
/// kept as rows (`members`, `groups`) is appended by whoever sends it.
public struct StoredResource: Sendable, Hashable {
  public var id: ResourceID
  /// Counts the resource's changes from 1; also its weak ETag.
  public var version: Int64
  public var modifiedAt: Date
  public var document: [UInt8]
  /// Of a create that reused an existing record: why. nil for every other write, and for what is read.
  public var relink: Relink?
  /// In the reply to a write that disabled a user and could not be applied whole: a JSON array of what was not applied and why, objects with
  /// `path` and `detail`. nil where all was applied.
  public var unapplied: [UInt8]?

  public init(
    id: ResourceID, version: Int64, modifiedAt: Date, document: [UInt8], relink: Relink? = nil, unapplied: [UInt8]? = nil
  ) {
    self.id = id
    self.version = version
    self.modifiedAt = modifiedAt
    self.document = document
    self.relink = relink
    self.unapplied = unapplied
  }
}

/// Why a create reused the record of a disabled user.
public enum Relink: String, Sendable, Hashable, Codable, CaseIterable {
  /// The person came back.
  case samePerson = "same-person"
  /// The userName was given to somebody else: sign-in history, role and memberships were reset.
  case reassigned
}

extension Reply {
  public static let type = "rollcall.reply.v1"
  private static let signInAttribute = "signin"

  public func cloudEvent(source: String, correlationID: String, time: Date, traceparent: String?) -> CloudEvent {
    let (extensions, data) = encoded()
    return CloudEvent(
      id: command.description, source: source, type: Self.type, subject: command.description, time: time,
      extensions: extensions.merging(["correlationid": correlationID]) { _, new in new }, traceparent: traceparent, data: data)
  }

  /// The type of a message that replaces a reply which is too large for its topic: the caller reads the recorded reply.
  public static let recordedType = "rollcall.reply.recorded.v1"

  /// The message that says that the reply is recorded.
  public func recordedEvent(source: String, correlationID: String, time: Date, traceparent: String?) -> CloudEvent {
    CloudEvent(
      id: command.description, source: source, type: Self.recordedType, subject: command.description, time: time,
      extensions: ["correlationid": correlationID], traceparent: traceparent, data: [])
  }

  public init(_ event: CloudEvent) throws(MessageError) {
    guard event.type == Self.type else { throw .unknownType(event.type) }
    guard let command = CommandID(event.id) else { throw .malformed(attribute: "id", value: event.id) }
    try self.init(command: command, attributes: event.extensions, data: event.data)
  }

  /// The reply as attributes and bytes: the extension attributes of the message, and the columns of a recorded reply.
  public func encoded() -> (attributes: [String: String], data: [UInt8]) {
    switch outcome {
    case .resource(let resource, let created):
      var attributes = [
        "status": created ? "201" : "200", "resourceid": resource.id.description, "resourceversion": String(resource.version),
        "resourcemodified": Timestamp.text(resource.modifiedAt),
      ]
      if let relink = resource.relink { attributes["relink"] = relink.rawValue }
      if let unapplied = resource.unapplied { attributes["unapplied"] = String(decoding: unapplied, as: UTF8.self) }
      return (attributes, resource.document)
    case .done: return (["status": "204"], [])
    case .signIn(let outcome): return (["status": "204", Self.signInAttribute: outcome.rawValue], [])
    case .bulk(let outcomes): return (["status": "207"], outcomes.json())
    case .refused(let status, let error): return (["status": String(status)], error)
    }
  }

  /// The inverse of ``encoded()``.
  public init(command: CommandID, attributes: [String: String], data: [UInt8]) throws(MessageError) {
    func value(_ name: String) throws(MessageError) -> String {
      guard let value = attributes[name] else { throw .missing(attribute: name) }
      return value
    }
    let statusText = try value("status")
    guard let status = Int(statusText) else { throw .malformed(attribute: "status", value: statusText) }
    switch status {
    case 200, 201:
      let (id, version, modified) = (try value("resourceid"), try value("resourceversion"), try value("resourcemodified"))
      guard let id = ResourceID(id) else { throw .malformed(attribute: "resourceid", value: id) }
      guard let version = Int64(version) else { throw .malformed(attribute: "resourceversion", value: version) }
      guard let modified = Timestamp.date(modified) else { throw .malformed(attribute: "resourcemodified", value: modified) }
      let resource = StoredResource(
        id: id, version: version, modifiedAt: modified, document: data, relink: attributes["relink"].flatMap(Relink.init(rawValue:)),
        unapplied: attributes["unapplied"].map { Array($0.utf8) })
      self.init(command: command, outcome: .resource(resource, created: status == 201))
    case 204:
      guard let text = attributes[Self.signInAttribute] else {
        self.init(command: command, outcome: .done)
        return
      }
      guard let outcome = SignInOutcome(rawValue: text) else { throw .malformed(attribute: Self.signInAttribute, value: text) }
      self.init(command: command, outcome: .signIn(outcome))
    case 207: self.init(command: command, outcome: .bulk(try JSONData.decode(from: data, type: Self.type)))
    default: self.init(command: command, outcome: .refused(status: status, error: data))
    }
  }
}
