import Foundation

/// The reply to a command, sent on `identity.replies` and recorded in the store.
public struct Reply: Sendable, Equatable {
  /// The command.
  public var command: CommandID
  /// The result.
  public var outcome: Outcome
  /// As ``Command/requestDigest`` of the command that was carried out.
  public var requestDigest: String?

  /// Creates a reply.
  public init(command: CommandID, outcome: Outcome, requestDigest: String? = nil) {
    self.command = command
    self.outcome = outcome
    self.requestDigest = requestDigest
  }

  /// The result of a command.
  public enum Outcome: Sendable, Equatable {
    /// The resource after the write; `created` distinguishes 201 from 200.
    case resource(StoredResource, created: Bool)
    /// Carried out, without content.
    case done
    /// The outcome of a sign-in, and the user who signed in; `nil` if there is none, or if an earlier release recorded the reply.
    case signIn(SignInOutcome, user: UserID? = nil)
    /// The outcomes of the operations of a bulk request, in the order of the command. Skipped operations are missing at the end.
    case bulk([Bulk.Outcome])
    /// Refused, with an HTTP status and a SCIM error in JSON (RFC 7644 §3.12).
    case refused(status: Int, error: [UInt8])
  }
}

/// A user or group as it is stored.
///
/// `document` is *open*: the JSON of the resource up to and inside `meta`, which comes last, without the two closing braces. The sender of a
/// response appends what depends on the request (`lastModified`, `version`, `location`) and what is stored in rows (`members`, `groups`).
public struct StoredResource: Sendable, Hashable {
  /// The id of the resource.
  public var id: ResourceID
  /// The version, counted from 1; also the weak ETag.
  public var version: Int64
  /// When the resource was last changed.
  public var modifiedAt: Date
  /// The open document; see ``StoredResource``.
  public var document: [UInt8]
  /// Why a create reused an existing record; `nil` for every other write, and for reads.
  public var relink: Relink?
  /// The attributes that could not be applied by a write that disabled a user: a JSON array of objects with `path` and `detail`. `nil` if all
  /// were applied.
  public var unapplied: [UInt8]?

  /// Creates a stored resource.
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
  /// The same person was assigned again.
  case samePerson = "same-person"
  /// The `userName` was given to another person: sign-in history, role and memberships were reset.
  case reassigned
}

extension Reply {
  /// The CloudEvents type.
  public static let type = "rollcall.reply.v1"
  private static let signInAttribute = "signin"
  private static let digestAttribute = "requestdigest"
  private static let signedInUserAttribute = "signinuser"

  /// The message of this reply.
  public func cloudEvent(source: String, correlationID: String, time: Date, traceparent: String?) -> CloudEvent {
    let (attributes, data) = encoded()
    var extensions = CloudEvent.Extensions(attributes)
    extensions["correlationid"] = correlationID
    return CloudEvent(
      id: command.description, source: source, type: Self.type, subject: command.description, time: time,
      extensions: extensions, traceparent: traceparent, data: data)
  }

  /// The CloudEvents type of a message that stands in for a reply that is too large for the topic. The caller reads the recorded reply.
  public static let recordedType = "rollcall.reply.recorded.v1"

  /// The message for a reply that is too large: it only says that the reply is recorded.
  public func recordedEvent(source: String, correlationID: String, time: Date, traceparent: String?) -> CloudEvent {
    CloudEvent(
      id: command.description, source: source, type: Self.recordedType, subject: command.description, time: time,
      extensions: ["correlationid": correlationID], traceparent: traceparent, data: [])
  }

  /// Reads the reply from its message.
  ///
  /// - Throws: ``MessageError`` if the message is of another type or malformed.
  public init(_ event: CloudEvent) throws(MessageError) {
    guard event.type == Self.type else { throw .unreadable(event.type, known: [Self.type]) }
    guard let command = CommandID(event.id) else { throw .malformed(attribute: "id", value: event.id) }
    try self.init(command: command, attributes: event.extensions, data: event.data)
  }

  /// The reply as attributes and bytes: the extension attributes and data of the message.
  public func encoded() -> (attributes: [String: String], data: [UInt8]) {
    var (attributes, data) = encodedOutcome()
    attributes[Self.digestAttribute] = requestDigest
    return (attributes, data)
  }

  private func encodedOutcome() -> (attributes: [String: String], data: [UInt8]) {
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
    case .signIn(let outcome, let user):
      var attributes = ["status": "204", Self.signInAttribute: outcome.rawValue]
      if let user { attributes[Self.signedInUserAttribute] = user.description }
      return (attributes, [])
    case .bulk(let outcomes): return (["status": "207"], outcomes.json())
    case .refused(let status, let error): return (["status": String(status)], error)
    }
  }

  /// The columns of a recorded reply: as ``encoded()``, but without the document of a resource, which the store has anyway.
  ///
  /// A reader of the recorded reply adds the present document of the resource with its version (``completed(with:)``), so that both agree.
  public func recorded() -> (attributes: [String: String], data: [UInt8]) {
    var (attributes, data) = encoded()
    if case .resource = outcome { data = [] }
    return (attributes, data)
  }

  /// The resource whose document a recorded reply lacks; `nil` if the reply is complete. Replies of earlier releases have the document.
  public var resourceWithoutDocument: ResourceID? {
    if case .resource(let resource, _) = outcome, resource.document.isEmpty { resource.id } else { nil }
  }

  /// A recorded reply with the present state of its resource: what a request would have got that was answered now. What the write reported
  /// about itself is kept.
  public func completed(with present: StoredResource) -> Reply {
    guard case .resource(let recorded, let created) = outcome else { return self }
    var resource = present
    resource.relink = recorded.relink
    resource.unapplied = recorded.unapplied
    return Reply(command: command, outcome: .resource(resource, created: created), requestDigest: requestDigest)
  }

  /// Decodes the result of ``encoded()`` or ``recorded()``.
  ///
  /// - Throws: ``MessageError`` if an attribute is missing or malformed.
  public init(command: CommandID, attributes: some MessageAttributes, data: [UInt8]) throws(MessageError) {
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
        self.init(command: command, outcome: .done, requestDigest: attributes[Self.digestAttribute])
        return
      }
      guard let outcome = SignInOutcome(rawValue: text) else { throw .malformed(attribute: Self.signInAttribute, value: text) }
      var user: UserID?
      if let text = attributes[Self.signedInUserAttribute] {
        guard let id = UserID(text) else { throw .malformed(attribute: Self.signedInUserAttribute, value: text) }
        user = id
      }
      self.init(command: command, outcome: .signIn(outcome, user: user))
    case 207: self.init(command: command, outcome: .bulk(try JSONData.decode(from: data, type: Self.type)))
    default: self.init(command: command, outcome: .refused(status: status, error: data))
    }
    requestDigest = attributes[Self.digestAttribute]
  }
}

extension [String: String] {
  /// Names and values in turn, sorted by name: the form of attributes in a `text[]` column.
  public var pairs: [String] {
    sorted { $0.key < $1.key }.flatMap { [$0.key, $0.value] }
  }

  /// Creates attributes from ``pairs``; a name without a value is ignored.
  public init(pairs: [String]) {
    self.init(minimumCapacity: pairs.count / 2)
    for index in stride(from: 0, to: pairs.count - 1, by: 2) { self[pairs[index]] = pairs[index + 1] }
  }
}
