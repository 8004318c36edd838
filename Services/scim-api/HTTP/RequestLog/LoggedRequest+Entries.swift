import Foundation
import HTTPTypes
import Models
import ProvisioningLog
import SCIM

extension LoggedRequest {
  /// The entries of the provisioning log: one for the request, and one for each operation of a bulk request that failed, was applied in
  /// part, or reused the record of a disabled user.
  package func entries() -> [LogEntry] {
    var entry = LogEntry(
      id: fields.replay?.entry ?? .made(at: at), workspace: workspace, at: at, method: String(head.method.rawValue.prefix(20)),
      path: String(Redaction.path(path).prefix(2000)), status: status, milliseconds: duration / .milliseconds(1))
    let (body, redaction) = keptBody()
    entry.body = body
    entry.token = fields.token
    entry.identityProvider = identityProvider
    entry.userAgent = head.headerFields[.userAgent].map { String($0.prefix(300)) }
    entry.address = address
    entry.query = query.map { String(Redaction.query(String($0)).prefix(4000)) }
    entry.contentType = head.headerFields[.contentType].map { String($0.prefix(200)) }
    entry.ifMatch = head.headerFields[.ifMatch].map { String($0.prefix(200)) }
    entry.normalisations = fields.normalisations
    entry.resourceType = resourceType(of: path[...])
    entry.resource = resource
    entry.name = body.flatMap { name(in: $0, of: entry.resourceType) }
    entry.command = fields.command
    entry.trace = fields.traceparent.flatMap { $0.split(separator: "-").dropFirst().first.map(String.init) }
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
    entry.resourceType = resourceType(of: operation.path[...])
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

  private var target: Substring { head.path?[...] ?? "" }
  private var path: String { String(target.prefix { $0 != "?" }) }
  private var query: Substring? { target.firstIndex(of: "?").map { target[target.index(after: $0)...] } }

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

  private func resourceType(of path: Substring) -> LogEntry.ResourceType? {
    let segments = path.split(separator: "/")
    if segments.contains("Users") { return .user }
    return segments.contains("Groups") ? .group : nil
  }

  /// The resource that is read or written; nil for a rejected POST, which created none.
  private var resource: ResourceID? {
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
    detail = object?["detail"]?.string.map { String(Redaction.detail($0, without: redaction).prefix(4000)) }
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
