import Foundation
import HTTPTypes
import Models
import ProvisioningLog
import SCIM

extension LoggedRequest {
  /// The entries of the provisioning log: one for the request, and one for each operation of a bulk request that failed, was applied in
  /// part, or reused the record of a disabled user.
  package func entries() -> [LogEntry] {
    let path = self.path
    var entry = LogEntry(
      id: fields.replay?.entry ?? .made(at: at), workspace: workspace, at: at, method: head.method.rawValue.atMost(20),
      path: Redaction.path(path).atMost(2000), status: status, milliseconds: duration / .milliseconds(1))
    let (body, redaction) = keptBody()
    entry.body = body
    entry.token = fields.token
    entry.identityProvider = identityProvider
    entry.userAgent = head.headerFields[.userAgent].map { $0.atMost(300) }
    entry.address = address
    entry.query = query.map { Redaction.query(String($0)).atMost(4000) }
    entry.contentType = head.headerFields[.contentType].map { $0.atMost(200) }
    entry.ifMatch = head.headerFields[.ifMatch].map { $0.atMost(200) }
    entry.normalisations = fields.normalisations
    entry.resourceType = resourceType(of: path)
    entry.resource = resource(at: path)
    entry.name = body.flatMap { name(in: $0, of: entry.resourceType) }
    entry.command = fields.command
    entry.trace = fields.trace?.traceID
    entry.replayOf = fields.replay?.of ?? fields.tokenName.flatMap(ReplayToken.init)?.entry
    if let error = fields.error { entry.setError(error, redaction: redaction) }
    if let unapplied = fields.unapplied { entry.setUnapplied(unapplied, redaction: redaction) }
    entry.operations = fields.operations
    entry.relink = fields.relink
    return [entry] + fields.loggedOperations.map { self.entry(for: $0, of: entry) }
  }

  private func entry(for operation: LoggedOperation, of bulk: LogEntry) -> LogEntry {
    var entry = bulk
    entry.id = .made(at: at)
    entry.bulk = bulk.id
    entry.operations = nil
    entry.method = operation.method
    entry.path = ResourcePath.base + Redaction.path(operation.path).prefix(2000)
    entry.query = nil
    entry.ifMatch = nil
    entry.status = operation.status
    entry.resourceType = resourceType(of: operation.path)
    entry.resource = operation.resource ?? operation.path.split(separator: "/").last.flatMap { ResourceID($0) }
    entry.relink = operation.relink
    var redaction: Redaction.Outcome?
    entry.body = nil
    if let data = operation.data {
      let kept = LoggedBody.keeping(data, bytes: data.serialized().count)
      (entry.body, redaction) = (kept.body, kept.redaction)
    }
    entry.name = entry.body.flatMap { name(in: $0, of: entry.resourceType) }
    entry.scimType = nil
    entry.detail = nil
    if operation.isFailure { entry.setError(operation.error, redaction: redaction) }
    if let unapplied = operation.unapplied { entry.setUnapplied(unapplied, redaction: redaction) }
    return entry
  }

  private var target: Substring.UTF8View { (head.path ?? "").utf8[...] }
  private var path: String { String(Substring(target.prefix { $0 != UInt8(ascii: "?") })) }
  private var query: Substring? {
    target.firstIndex(of: UInt8(ascii: "?")).map { Substring(target[target.index(after: $0)...]) }
  }

  private func keptBody() -> (LoggedBody?, Redaction.Outcome?) {
    switch fields.body {
    case nil: return (nil, nil)
    case .json(let json, let bytes)?:
      let kept = LoggedBody.keeping(json, bytes: bytes)
      return (kept.body, kept.redaction)
    case .cut(let body)?: return (body, nil)
    case .unreadable(let bytes)?:
      return (LoggedBody(bytes: bytes, content: .none(reason: "it is not JSON, so secrets in it cannot be recognised")), nil)
    }
  }

  /// The identity provider, by the `User-Agent` or else by the workspace's settings.
  private var identityProvider: String? {
    let recognised = ConnectionProfile.auto.recognised(userAgent: head.headerFields[.userAgent])
    let profile = recognised == .auto ? fields.profile.map { ConnectionProfile($0) } ?? .auto : recognised
    return [.okta, .entra, .onelogin].contains(profile) ? profile.rawValue : nil
  }

  private func resourceType(of path: String) -> LogEntry.ResourceType? {
    let segments = path.utf8.split(separator: UInt8(ascii: "/"))
    if segments.contains(where: { $0.elementsEqual("Users".utf8) }) { return .user }
    return segments.contains { $0.elementsEqual("Groups".utf8) } ? .group : nil
  }

  /// The resource that is read or written; nil for a rejected POST, which created none.
  private func resource(at path: String) -> ResourceID? {
    if fields.operations != nil || (head.method == .post && status >= 400) { return nil }
    return fields.resource ?? path.split(separator: "/").last.flatMap { ResourceID($0) }
  }

  private func name(in body: LoggedBody, of type: LogEntry.ResourceType?) -> String? {
    guard let type, let name = body.content.name(type == .user ? "userName" : "displayName") else { return nil }
    return name.truncated(to: 300)
  }
}

extension LogEntry {
  /// Sets `scimType` and `detail` from the error of the response, a SCIM error in JSON.
  fileprivate mutating func setError(_ error: [UInt8], redaction: Redaction.Outcome?) {
    let object: JSONObject?
    do { object = try JSON(parsing: error).object } catch { object = nil }
    scimType = object?["scimType"]?.string
    detail = object?["detail"]?.string.map { Redaction.detail($0, without: redaction).atMost(4000) }
  }

  /// Sets the changes that were not applied, from a JSON array.
  fileprivate mutating func setUnapplied(_ unapplied: [UInt8], redaction: Redaction.Outcome?) {
    let changes: JSON
    do { changes = try JSON(parsing: unapplied) } catch { return }
    self.unapplied = UnappliedChange.list(reading: changes).map {
      UnappliedChange(path: Redaction.detail($0.path, without: redaction), detail: Redaction.detail($0.detail, without: redaction))
    }
  }
}

extension ConnectionProfile {
  /// The profile for the value of the workspace's setting.
  package init(_ setting: WorkspaceSettings.ConnectionProfile) {
    switch setting {
    case .auto: self = .auto
    case .okta: self = .okta
    case .entra: self = .entra
    case .onelogin: self = .onelogin
    case .strict: self = .strict
    }
  }
}

extension String {
  /// The text, cut after `count` characters. Short texts, which nearly all are, are not copied.
  func atMost(_ count: Int) -> String { utf8.count <= count ? self : String(prefix(count)) }
}
