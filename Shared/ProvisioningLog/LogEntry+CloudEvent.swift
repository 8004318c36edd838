import Foundation
import Models
import SCIM

extension LogEntry {
  /// The entry as JSON text; access tokens in any text are masked.
  public func json() -> [UInt8] {
    var object = JSONObject()
    object["id"] = .string("\(id)")
    object["workspace"] = .string("\(workspace)")
    object["at"] = .string(Timestamp.text(at))
    object["token"] = token.map { .string("\($0)") }
    object["identityProvider"] = identityProvider.map(JSON.string)
    object["userAgent"] = userAgent.map(JSON.string)
    object["address"] = address.map(JSON.string)
    object["method"] = .string(method)
    object["path"] = .string(path)
    object["query"] = query.map(JSON.string)
    object["contentType"] = contentType.map(JSON.string)
    object["ifMatch"] = ifMatch.map(JSON.string)
    object["status"] = .integer(Int64(status))
    object["scimType"] = scimType.map(JSON.string)
    object["detail"] = detail.map(JSON.string)
    if !unapplied.isEmpty { object["unapplied"] = UnappliedChange.json(unapplied) }
    if !normalisations.isEmpty { object["normalisations"] = .array(normalisations.map(JSON.string)) }
    object["resourceType"] = resourceType.map { .string($0.rawValue) }
    object["resource"] = resource.map { .string("\($0)") }
    object["name"] = name.map(JSON.string)
    object["microseconds"] = .integer(Int64((milliseconds * 1000).rounded()))
    object["command"] = command.map { .string("\($0)") }
    object["trace"] = trace.map(JSON.string)
    object["body"] = body.map { .object($0.json) }
    if let operations {
      object["operations"] = ["count": .integer(Int64(operations.count)), "failed": .integer(Int64(operations.failed))]
    }
    object["bulk"] = bulk.map { .string("\($0)") }
    object["relink"] = relink.map { .string($0.rawValue) }
    object["replayOf"] = replayOf.map { .string("\($0)") }
    if let unverified {
      object["unverifiedSender"] = [
        "requests": .integer(Int64(unverified.requests)), "firstAt": .string(Timestamp.text(unverified.firstAt)),
        "lastAt": .string(Timestamp.text(unverified.lastAt)),
      ]
    }
    return Redaction.maskingTokens(in: object.serialized())
  }

  /// Reads an entry from JSON text.
  ///
  /// - Throws: `MessageError` if `bytes` is not an entry.
  public init(json bytes: [UInt8]) throws(MessageError) {
    let object: JSONObject
    do {
      guard let read = try JSON(parsing: bytes).object else { throw MessageError.unreadable("no JSON object") }
      object = read
    } catch let error as MessageError {
      throw error
    } catch {
      throw .unreadable("\(error)")
    }
    guard let id: LogEntryID = object.id("id"), let workspace: WorkspaceID = object.id("workspace"),
      let at = object["at"]?.string.flatMap(Timestamp.date), let method = object["method"]?.string, let path = object["path"]?.string,
      let status = object["status"]?.integer, let microseconds = object["microseconds"]?.integer
    else { throw .unreadable("'id', 'workspace', 'at', 'method', 'path', 'status' or 'microseconds' is missing or malformed") }
    self.init(
      id: id, workspace: workspace, at: at, method: method, path: path, status: Int(clamping: status),
      milliseconds: Double(microseconds) / 1000)
    token = object.id("token")
    identityProvider = object["identityProvider"]?.string
    userAgent = object["userAgent"]?.string
    address = object["address"]?.string
    query = object["query"]?.string
    contentType = object["contentType"]?.string
    ifMatch = object["ifMatch"]?.string
    scimType = object["scimType"]?.string
    detail = object["detail"]?.string
    unapplied = object["unapplied"].map(UnappliedChange.list(reading:)) ?? []
    normalisations = object["normalisations"]?.array?.compactMap(\.string) ?? []
    resourceType = object["resourceType"]?.string.flatMap(ResourceType.init)
    resource = object.id("resource")
    name = object["name"]?.string
    command = object.id("command")
    trace = object["trace"]?.string
    body = object["body"]?.object.flatMap(LoggedBody.init)
    if let counts = object["operations"]?.object, let count = counts["count"]?.integer, let failed = counts["failed"]?.integer {
      operations = Operations(count: Int(clamping: count), failed: Int(clamping: failed))
    }
    bulk = object.id("bulk")
    relink = object["relink"]?.string.flatMap(Relink.init(rawValue:))
    replayOf = object.id("replayOf")
    unverified = object["unverifiedSender"]?.object.flatMap(UnverifiedSender.init)
  }
}

extension LogEntry.UnverifiedSender {
  fileprivate init?(_ object: JSONObject) {
    guard let requests = object["requests"]?.integer, let first = object["firstAt"]?.string.flatMap(Timestamp.date),
      let last = object["lastAt"]?.string.flatMap(Timestamp.date)
    else { return nil }
    self.init(requests: Int(clamping: requests), firstAt: first, lastAt: last)
  }
}

extension LoggedBody {
  fileprivate var json: JSONObject {
    var object = JSONObject()
    object["bytes"] = .integer(Int64(bytes))
    switch content {
    case .whole(let json, let removed):
      object["json"] = json
      if !removed.isEmpty { object["removed"] = .array(removed.map(JSON.string)) }
    case .head(let head): object["head"] = head
    case .none(let reason): object["note"] = .string(reason)
    }
    return object
  }

  fileprivate init?(_ object: JSONObject) {
    guard let bytes = object["bytes"]?.integer else { return nil }
    self.bytes = Int(clamping: bytes)
    if let json = object["json"] {
      content = .whole(json, removed: object["removed"]?.array?.compactMap(\.string) ?? [])
    } else if let head = object["head"] {
      content = .head(head)
    } else {
      content = .none(reason: object["note"]?.string ?? "it was not kept")
    }
  }
}

extension JSONObject {
  fileprivate func id<Subject>(_ name: String) -> Identifier<Subject>? {
    self[name]?.string.flatMap { Identifier<Subject>($0) }
  }
}

extension MessageError {
  fileprivate static func unreadable(_ reason: String) -> MessageError { .undecodable(type: LogEntry.eventType, reason: reason) }
}

extension LogEntry {
  /// The CloudEvents type of entries on the topic `provisioning.log`.
  public static let eventType = "rollcall.provisioning-log-entry.v1"

  /// Returns the event of this entry.
  ///
  /// - Parameter source: The process that received the request.
  public func cloudEvent(source: String) -> CloudEvent {
    CloudEvent(
      id: "\(id)", source: source, type: Self.eventType, subject: "\(workspace)", time: at,
      extensions: ["workspaceid": "\(workspace)"], data: json())
  }

  /// Reads the entry of an event.
  ///
  /// - Throws: `MessageError` if the event is not an entry.
  public init(_ event: CloudEvent) throws(MessageError) {
    guard event.type == Self.eventType else { throw .unreadable(event.type, known: [Self.eventType]) }
    try self.init(json: event.data)
  }
}
