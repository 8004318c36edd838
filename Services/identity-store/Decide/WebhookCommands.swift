import Foundation
import Models
import SCIM
import SCIMStorage

// Commands about webhook endpoints, of a workspace or of the whole deployment.

/// A command about one webhook endpoint. All endpoints of its workspace are loaded, since their number is limited.
protocol WebhookCommand: DecidableCommand {
  /// The endpoint.
  var webhook: WebhookID { get }

  /// - Throws: The SCIM error with which the command is refused. Nothing is written then.
  func decideWebhook(_ command: Command, by decider: inout Decider) throws(SCIMError)
}

extension WebhookCommand {
  /// That group-sync disables an endpoint is audited, too.
  var auditScope: AuditScope { .everyone }

  func addKeys(of command: Command, to writeSet: inout WriteSet) {
    writeSet.webhookOwners.insert(command.workspace)
  }

  func decide(_ command: Command, by decider: inout Decider) throws(SCIMError) -> Reply.Outcome {
    guard command.workspace == .deployment || decider.state.workspaces[command.workspace] != nil else {
      throw .workspaceNotFound(command.workspace)
    }
    try decideWebhook(command, by: &decider)
    return .done
  }

  func auditTarget(of command: Command, in decider: Decider) -> String? { "webhook \(webhook)" }
}

/// Creates or changes an endpoint.
struct WriteWebhook: WebhookCommand {
  let write: WebhookEndpointWrite
  var webhook: WebhookID { write.webhook }

  func decideWebhook(_ command: Command, by decider: inout Decider) throws(SCIMError) {
    switch write {
    case .create(let id, let subscription, let secret):
      try decider.createWebhook(id, subscription, sealedSecret: secret, command)
    case .update(let id, let subscription):
      let endpoint = try decider.expectedWebhook(id, command)
      var changed = endpoint
      let types = try decider.webhookRules.types(checking: subscription)
      (changed.url, changed.description, changed.types) = (subscription.url, subscription.description, types)
      if changed != endpoint { decider.write(changed, .updated, command) }
    case .rotateSecret(let id, let secret, let formerUntil):
      var endpoint = try decider.expectedWebhook(id, command)
      try WebhookRules.check(sealedSecret: secret)
      try WebhookRules.check(formerUntil: formerUntil, at: decider.now)
      // An imported endpoint has no secret yet.
      let former = endpoint.sealedSecret.isEmpty ? nil : endpoint.sealedSecret
      endpoint.formerSealedSecret = formerUntil == nil ? nil : former
      endpoint.formerSecretUntil = former == nil ? nil : formerUntil
      endpoint.sealedSecret = secret
      decider.write(endpoint, .updated, command)
    case .enable(let id):
      var endpoint = try decider.expectedWebhook(id, command)
      guard endpoint.state == .disabled else { return }
      guard !endpoint.sealedSecret.isEmpty else { throw .webhookWithoutSecret(id) }
      (endpoint.state, endpoint.disabledReason, endpoint.disabledAt) = (.enabled, nil, nil)
      decider.write(endpoint, .updated, command)
    }
  }

  /// The operation without the secret, and without what the URL may contain of one.
  var operationWithoutPersonalData: Command.Operation? {
    switch write {
    case .create(let id, let subscription, _): .writeWebhook(.create(id, subscription.withoutSecrets, sealedSecret: []))
    case .update(let id, let subscription): .writeWebhook(.update(id, subscription.withoutSecrets))
    case .rotateSecret(let id, _, let formerUntil): .writeWebhook(.rotateSecret(id, sealedSecret: [], formerUntil: formerUntil))
    case .enable: nil
    }
  }
}

/// Deletes an endpoint. Its row stays for a while without the secrets, so that a rebuild also publishes the deletion.
struct DeleteWebhook: WebhookCommand {
  let webhook: WebhookID

  func decideWebhook(_ command: Command, by decider: inout Decider) throws(SCIMError) {
    var endpoint = try decider.expectedWebhook(webhook, command)
    (endpoint.sealedSecret, endpoint.formerSealedSecret, endpoint.formerSecretUntil) = ([], nil, nil)
    decider.write(endpoint, .deleted, command)
  }
}

/// Stops the deliveries to an endpoint: an administrator wants it, or group-sync could not deliver for days.
struct DisableWebhook: WebhookCommand {
  let webhook: WebhookID
  let reason: String

  func decideWebhook(_ command: Command, by decider: inout Decider) throws(SCIMError) {
    guard try decider.webhook(webhook, of: command.workspace).state == .enabled else { return }
    var endpoint = try decider.expectedWebhook(webhook, command)
    endpoint.state = .disabled
    // The reason may quote the endpoint's response; PostgreSQL cannot store U+0000.
    endpoint.disabledReason = reason.replacing("\0", with: "").truncated(to: 500, bytes: WebhookEndpoint.maximumReasonSize - 3)
    endpoint.disabledAt = decider.now
    decider.write(endpoint, .disabled, command)
  }
}

/// Forwards an order about deliveries to group-sync, in sequence with the changes of the endpoint.
struct OrderWebhook: WebhookCommand {
  let order: WebhookOrder
  var webhook: WebhookID { order.webhook }

  func decideWebhook(_ command: Command, by decider: inout Decider) throws(SCIMError) {
    let endpoint = try decider.webhook(webhook, of: command.workspace)
    guard !endpoint.sealedSecret.isEmpty else { throw .webhookWithoutSecret(webhook) }
    if let workspace = order.workspace, command.workspace != .deployment, workspace != command.workspace {
      throw .badRequest(.invalidValue, "The webhook endpoint \(webhook) does not receive events of the workspace \(workspace).")
    }
    switch order {
    case .test: break
    case .skip(_, _, let sequence):
      guard sequence > 0 else { throw .badRequest(.invalidValue, "Sequence numbers of events are counted from 1; found \(sequence).") }
    case .redeliver(_, _, let since):
      guard since <= decider.now else {
        throw .badRequest(.invalidValue, "Events are delivered again from a time in the past; \(Timestamp.text(since)) is in the future.")
      }
    }
    decider.publish(
      .webhookOrdered(
        WebhookOrdered(
          id: command.id, workspace: command.workspace, order: order, actor: command.actor.rawValue, orderedAt: decider.now)))
  }
}

extension Decider {
  fileprivate mutating func createWebhook(
    _ id: WebhookID, _ subscription: WebhookSubscription, sealedSecret: [UInt8], _ command: Command
  ) throws(SCIMError) {
    let types = try webhookRules.types(checking: subscription)
    try WebhookRules.check(sealedSecret: sealedSecret)
    guard state.webhook(id, of: command.workspace) == nil else {
      throw SCIMError(status: 409, scimType: .uniqueness, detail: "The webhook endpoint \(id) already exists.")
    }
    let count = state.webhooks(of: command.workspace).count(where: { !$0.isDeleted })
    guard count < WebhookEndpoint.maximumPerWorkspace else {
      throw .badRequest(
        .tooMany,
        """
        There can be at most \(WebhookEndpoint.maximumPerWorkspace) webhook endpoints; \(count) exist. Delete one that is no longer needed, or \
        let one endpoint receive more types of events.
        """)
    }
    let endpoint = WebhookEndpoint(
      id: id, workspace: command.workspace, url: subscription.url, description: subscription.description, types: types,
      sealedSecret: sealedSecret, createdAt: now, version: 0)
    write(endpoint, .created, command)
  }

  /// Creates an endpoint of a workspace's file: disabled, since secrets do not leave a deployment.
  mutating func importWebhook(_ content: WorkspaceRecordLine.WebhookContent, _ command: Command) throws(WorkspaceLineError) {
    let types: [DirectoryEvent.Kind]?
    do throws(SCIMError) {
      types = try webhookRules.types(checking: content.subscription)
    } catch {
      throw WorkspaceLineError(error.detail)
    }
    guard state.webhook(content.id, of: command.workspace) == nil else {
      throw WorkspaceLineError("The webhook endpoint \(content.id) already exists.")
    }
    let endpoint = WebhookEndpoint(
      id: content.id, workspace: command.workspace, url: content.subscription.url, description: content.subscription.description,
      types: types, sealedSecret: [], state: .disabled,
      disabledReason: "It was imported from another deployment without its secret. Replace the secret, and enable it then.",
      disabledAt: now, createdAt: now, version: 0)
    write(endpoint, .created, command)
  }

  /// Writes the next version of an endpoint, and publishes it.
  fileprivate mutating func write(_ endpoint: WebhookEndpoint, _ change: WebhookChanged.Change, _ command: Command) {
    var endpoint = endpoint
    endpoint.version += 1
    state.write(WebhookRecord(endpoint: endpoint, modifiedAt: now, deletedAt: change == .deleted ? now : nil))
    publish(.webhookChanged(WebhookChanged(endpoint: endpoint, change: change, actor: command.actor.rawValue, changedAt: now)))
  }

  /// - Throws: 404 if the workspace has no such endpoint.
  fileprivate func webhook(_ id: WebhookID, of workspace: WorkspaceID) throws(SCIMError) -> WebhookEndpoint {
    guard let record = state.webhook(id, of: workspace), !record.isDeleted else {
      let owner = workspace == .deployment ? "The deployment" : "The workspace"
      throw SCIMError(
        status: 404, scimType: nil, detail: "\(owner) has no webhook endpoint \(id). The list of its endpoints shows those that exist.")
    }
    return record.endpoint
  }

  /// The endpoint, if it has a version that the command expects.
  ///
  /// - Throws: 404 if the workspace has no such endpoint, 412 if it has another version.
  fileprivate func expectedWebhook(_ id: WebhookID, _ command: Command) throws(SCIMError) -> WebhookEndpoint {
    let endpoint = try webhook(id, of: command.workspace)
    if let expected = command.expectedVersions, !expected.contains(endpoint.version) {
      throw SCIMError(
        status: 412, scimType: nil,
        detail: """
          The webhook endpoint \(id) has been changed meanwhile, to version \(endpoint.version). Nothing was changed. Read it again and \
          repeat the change.
          """)
    }
    return endpoint
  }

  /// Publishes all endpoints again, and the deletion of those that were deleted lately.
  mutating func restateWebhooks(of workspace: WorkspaceID) {
    for record in state.webhooks(of: workspace) {
      publish(
        .webhookChanged(
          WebhookChanged(
            endpoint: record.endpoint, change: record.isDeleted ? .deleted : .restated,
            actor: Command.Actor.service("identity-store").rawValue,
            changedAt: record.deletedAt ?? now)))
    }
  }
}

extension SCIMError {
  fileprivate static func webhookWithoutSecret(_ id: WebhookID) -> SCIMError {
    SCIMError(
      status: 409, scimType: nil,
      detail: "The webhook endpoint \(id) was imported from another deployment without its secret. Replace the secret first.")
  }
}

extension WebhookSubscription {
  /// The subscription for the audit trail.
  fileprivate var withoutSecrets: WebhookSubscription {
    WebhookSubscription(url: WebhookRules.urlWithoutSecrets(url), description: description, types: types)
  }
}
