import Foundation
import Models

/// A single event about which an administrator is mailed.
package enum AdministratorAlert: Sendable, Hashable {
  /// A webhook endpoint was disabled because deliveries failed for too long.
  case webhookDisabled(WebhookFailure)
  /// A workspace runs out of seats, or has no active admin any more.
  case workspace(WorkspaceAlert)

  /// The kinds of alerts. Each has its wording in `wording.….json`, under `alerts`.
  package enum Kind: String, Sendable, Hashable, CaseIterable {
    /// ``AdministratorAlert/webhookDisabled(_:)`` for an endpoint of a workspace.
    case webhookDisabled = "webhook-disabled"
    /// ``AdministratorAlert/webhookDisabled(_:)`` for an endpoint of the whole deployment.
    case deploymentWebhookDisabled = "deployment-webhook-disabled"
    /// Most seats of a workspace are taken.
    case seatsWarning = "seats-warning"
    /// All seats of a workspace are taken.
    case seatsExhausted = "seats-exhausted"
    /// No active user of a workspace has the role admin any more.
    case noActiveAdmin = "no-active-admin"
  }

  /// The kind of the alert.
  package var kind: Kind {
    switch self {
    case .webhookDisabled(let failure): failure.isDeploymentWide ? .deploymentWebhookDisabled : .webhookDisabled
    case .workspace(let alert):
      switch alert.kind {
      case .seatsWarning: .seatsWarning
      case .seatsExhausted: .seatsExhausted
      case .noActiveAdmin: .noActiveAdmin
      }
    }
  }

  /// The content in JSON, for storage.
  ///
  /// - Throws: The error of `JSONEncoder`.
  package func details() throws -> [UInt8] {
    switch self {
    case .webhookDisabled(let failure): try JSONData.encode(failure)
    case .workspace(let alert): try JSONData.encode(alert)
    }
  }

  /// Reads a stored alert.
  ///
  /// - Throws: `MessageError` if the details do not fit the kind.
  package init(_ kind: Kind, details: [UInt8]) throws(MessageError) {
    switch kind {
    case .webhookDisabled, .deploymentWebhookDisabled:
      self = .webhookDisabled(try JSONData.decode(from: details, type: kind.rawValue))
    case .seatsWarning, .seatsExhausted, .noActiveAdmin:
      self = .workspace(try JSONData.decode(from: details, type: kind.rawValue))
    }
  }

  /// The values of the placeholders in the wording.
  var values: [String: String] {
    switch self {
    case .webhookDisabled(let failure):
      [
        "url": failure.url.mailSafeText, "description": failure.description.mailSafeText, "endpoint": "\(failure.webhook)",
        "reason": failure.reason.mailSafeText, "time": Timestamp.text(failure.disabledAt),
      ]
    case .workspace(let alert):
      [
        "used": alert.seats.map { "\($0.used)" } ?? "", "limit": alert.seats.map { "\($0.limit)" } ?? "",
        "user": alert.user.map { "\($0)" } ?? "", "time": Timestamp.text(alert.occurredAt),
      ]
    }
  }
}

/// A webhook endpoint that was disabled because deliveries failed.
package struct WebhookFailure: Sendable, Hashable, Codable {
  /// The endpoint.
  package var webhook: WebhookID
  /// Whether it receives the events of all workspaces.
  package var isDeploymentWide: Bool
  /// The URL without its query, which may contain a secret.
  package var url: String
  /// The note of the administrator.
  package var description: String
  /// The last error.
  package var reason: String
  /// When the endpoint was disabled.
  package var disabledAt: Date

  /// Describes the endpoint of an event that reports its disabling.
  package init(_ event: WebhookChanged) {
    webhook = event.endpoint.id
    isDeploymentWide = event.endpoint.workspace == .deployment
    url = String(event.endpoint.url.prefix { $0 != "?" })
    description = event.endpoint.description
    reason = event.endpoint.disabledReason ?? ""
    disabledAt = event.endpoint.disabledAt ?? event.changedAt
  }
}

/// The content of a mail to an administrator about a single event.
package struct AlertNotice: Sendable {
  /// The id of the mail; the Message-ID is derived from it.
  package var id: UUID
  /// The administrator's address.
  package var address: String
  /// The workspace of the event; nil for the whole deployment, and if the mailer does not know the workspace.
  package var workspace: WorkspaceNotice?
  /// The name of the workspace, or else its id.
  package var name: String
  /// The event.
  package var alert: AdministratorAlert

  /// Creates the content of the mail.
  package init(id: UUID, address: String, workspace: WorkspaceNotice?, name: String, alert: AdministratorAlert) {
    self.id = id
    self.address = address
    self.workspace = workspace
    self.name = name
    self.alert = alert
  }
}

extension InvitationComposer {
  /// Composes the mail to an administrator about a single event.
  ///
  /// - Throws: ``CompositionError`` if the address is invalid. Retrying does not help.
  package func message(for notice: AlertNotice, at time: Date) throws(CompositionError) -> EmailMessage {
    guard let recipient = MailAddress(address: notice.address) else { throw .notAnAddress(notice.address) }
    let wording = wordings.wording(for: notice.workspace?.adminLanguage)
    let branding = notice.workspace?.branding ?? InvitationBranding()
    var names = notice.alert.values
    names["workspace"] = notice.name.mailSafeName
    names["email"] = recipient.address
    let content = wording.alert(notice.alert.kind, names)
    var values: [String: Any] = [
      "workspace": names["workspace"] ?? "", "language": wording.language, "direction": wording.direction, "subject": content.subject,
      "text": content.text, "facts": content.facts.map { ["label": $0.label, "value": $0.value] },
      "nextHeading": content.nextHeading, "next": content.next, "automatic": content.automatic,
    ]
    values.merge(Self.colours(branding)) { first, _ in first }
    return EmailMessage(
      sender: from, recipient: recipient,
      headers: headers(
        to: recipient, subject: content.subject, language: wording.language,
        messageID: "<alert-\(notice.id.uuidString.lowercased())@\(from.domain)>", branding: branding, at: time),
      text: alertText.render(values), html: alertHTML.render(values))
  }
}
