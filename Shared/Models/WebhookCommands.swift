import Foundation

/// What an administrator sets for a webhook endpoint.
public struct WebhookSubscription: Sendable, Hashable, Codable {
  /// The URL to which events are posted.
  public var url: String
  /// A note for people; may be empty.
  public var description: String
  /// The types of events that are delivered, such as `member.updated`; `nil`: all. identity-store refuses unknown types.
  public var types: [String]?

  /// Creates a subscription.
  public init(url: String, description: String = "", types: [String]? = nil) {
    self.url = url
    self.description = description
    self.types = types
  }
}

/// Creates a webhook endpoint, or changes one.
///
/// Secrets are sealed by the sender (`WebhookSeal`): identity-store stores them, and only group-sync opens them.
public enum WebhookEndpointWrite: Sendable, Hashable {
  /// Creates an enabled endpoint of the workspace of the command.
  case create(WebhookID, WebhookSubscription, sealedSecret: [UInt8])
  /// Replaces what the administrator sets. ``Command/expectedVersions`` protects against lost updates.
  case update(WebhookID, WebhookSubscription)
  /// Replaces the secret. The former one also signs until `formerUntil`; `nil`: it stops signing at once.
  case rotateSecret(WebhookID, sealedSecret: [UInt8], formerUntil: Date?)
  /// Delivers events again, from where delivery stopped.
  case enable(WebhookID)

  /// The endpoint.
  public var webhook: WebhookID {
    switch self {
    case .create(let id, _, _), .update(let id, _), .rotateSecret(let id, _, _), .enable(let id): id
    }
  }
}

/// JSON: `{"action":"create","webhook":"…","subscription":{…},"sealedSecret":"…"}`, secrets in base64.
extension WebhookEndpointWrite: Codable {
  private enum Key: String, CodingKey {
    case action, webhook, subscription, sealedSecret, formerUntil
  }

  private enum Action: String, Codable {
    case create, update, rotateSecret, enable
  }

  /// Decodes the JSON form.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    let id = try container.decode(WebhookID.self, forKey: .webhook)
    func subscription() throws -> WebhookSubscription { try container.decode(WebhookSubscription.self, forKey: .subscription) }
    func secret() throws -> [UInt8] { [UInt8](try container.decode(Data.self, forKey: .sealedSecret)) }
    self =
      switch try container.decode(Action.self, forKey: .action) {
      case .create: .create(id, try subscription(), sealedSecret: try secret())
      case .update: .update(id, try subscription())
      case .rotateSecret:
        .rotateSecret(id, sealedSecret: try secret(), formerUntil: try container.decodeIfPresent(Date.self, forKey: .formerUntil))
      case .enable: .enable(id)
      }
  }

  /// Encodes the JSON form.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(webhook, forKey: .webhook)
    switch self {
    case .create(_, let subscription, let secret):
      try container.encode(Action.create, forKey: .action)
      try container.encode(subscription, forKey: .subscription)
      try container.encode(Data(secret), forKey: .sealedSecret)
    case .update(_, let subscription):
      try container.encode(Action.update, forKey: .action)
      try container.encode(subscription, forKey: .subscription)
    case .rotateSecret(_, let secret, let formerUntil):
      try container.encode(Action.rotateSecret, forKey: .action)
      try container.encode(Data(secret), forKey: .sealedSecret)
      try container.encodeIfPresent(formerUntil, forKey: .formerUntil)
    case .enable:
      try container.encode(Action.enable, forKey: .action)
    }
  }
}

/// The data of a command that deletes a webhook endpoint.
struct WebhookDeletion: Sendable, Codable {
  var webhook: WebhookID
}

/// The data of a command that disables a webhook endpoint.
struct WebhookDisabling: Sendable, Codable {
  var webhook: WebhookID
  var reason: String
}

/// An administrator's order to group-sync about the deliveries of a webhook endpoint. It is sent through identity-store, which checks that
/// the endpoint exists.
public enum WebhookOrder: Sendable, Hashable {
  /// Posts a test event, whatever the state and types of the endpoint.
  case test(WebhookID)
  /// Does not deliver the event of the workspace with this sequence number, at which delivery is stuck.
  case skip(WebhookID, workspace: WorkspaceID, sequence: Int64)
  /// Delivers the events that were stored at or after `since` again, of one workspace or, with `nil`, of all that the endpoint receives.
  case redeliver(WebhookID, workspace: WorkspaceID?, since: Date)

  /// The endpoint.
  public var webhook: WebhookID {
    switch self {
    case .test(let id), .skip(let id, _, _), .redeliver(let id, _, _): id
    }
  }

  /// The workspace whose events the order is about; `nil`: all that the endpoint receives.
  public var workspace: WorkspaceID? {
    switch self {
    case .test: nil
    case .skip(_, let workspace, _): workspace
    case .redeliver(_, let workspace, _): workspace
    }
  }
}

/// JSON: `{"action":"test","webhook":"…"}`, `{"action":"skip","webhook":"…","workspace":"…","sequence":17}`,
/// `{"action":"redeliver","webhook":"…","since":"…"}`.
extension WebhookOrder: Codable {
  private enum Key: String, CodingKey {
    case action, webhook, workspace, sequence, since
  }

  private enum Action: String, Codable {
    case test, skip, redeliver
  }

  /// Decodes the JSON form.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    let id = try container.decode(WebhookID.self, forKey: .webhook)
    self =
      switch try container.decode(Action.self, forKey: .action) {
      case .test: .test(id)
      case .skip:
        .skip(
          id, workspace: try container.decode(WorkspaceID.self, forKey: .workspace),
          sequence: try container.decode(Int64.self, forKey: .sequence))
      case .redeliver:
        .redeliver(
          id, workspace: try container.decodeIfPresent(WorkspaceID.self, forKey: .workspace),
          since: try container.decode(Date.self, forKey: .since))
      }
  }

  /// Encodes the JSON form.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(webhook, forKey: .webhook)
    try container.encodeIfPresent(workspace, forKey: .workspace)
    switch self {
    case .test: try container.encode(Action.test, forKey: .action)
    case .skip(_, _, let sequence):
      try container.encode(Action.skip, forKey: .action)
      try container.encode(sequence, forKey: .sequence)
    case .redeliver(_, _, let since):
      try container.encode(Action.redeliver, forKey: .action)
      try container.encode(since, forKey: .since)
    }
  }
}
