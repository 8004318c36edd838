import Foundation

extension IdentifierSubject {
  /// The tag of ``WebhookID``.
  public enum Webhook {}
}

/// The id of a webhook endpoint.
public typealias WebhookID = Identifier<IdentifierSubject.Webhook>

/// A webhook endpoint: a URL of the product to which group-sync posts directory events.
public struct WebhookEndpoint: Sendable, Hashable {
  /// The id of the endpoint.
  public var id: WebhookID
  /// The workspace whose events are delivered; ``WorkspaceID/deployment``: those of all workspaces.
  public var workspace: WorkspaceID
  /// The URL to which events are posted.
  public var url: String
  /// A note for people; may be empty.
  public var description: String
  /// The types of events that are delivered; `nil`: all.
  public var types: [DirectoryEvent.Kind]?
  /// The signing secret, encrypted by `WebhookSeal`.
  public var sealedSecret: [UInt8]
  /// The former secret, which also signs until ``formerSecretUntil``.
  public var formerSealedSecret: [UInt8]?
  /// When the former secret stops signing.
  public var formerSecretUntil: Date?
  /// Whether events are delivered.
  public var state: State
  /// Why the endpoint is disabled.
  public var disabledReason: String?
  /// When the endpoint was disabled.
  public var disabledAt: Date?
  /// When the endpoint was created.
  public var createdAt: Date
  /// The version, counted from 1.
  public var version: Int64

  /// Creates an endpoint.
  public init(
    id: WebhookID, workspace: WorkspaceID, url: String, description: String = "", types: [DirectoryEvent.Kind]? = nil,
    sealedSecret: [UInt8], formerSealedSecret: [UInt8]? = nil, formerSecretUntil: Date? = nil, state: State = .enabled,
    disabledReason: String? = nil, disabledAt: Date? = nil, createdAt: Date, version: Int64
  ) {
    self.id = id
    self.workspace = workspace
    self.url = url
    self.description = description
    self.types = types
    self.sealedSecret = sealedSecret
    self.formerSealedSecret = formerSealedSecret
    self.formerSecretUntil = formerSecretUntil
    self.state = state
    self.disabledReason = disabledReason
    self.disabledAt = disabledAt
    self.createdAt = createdAt
    self.version = version
  }

  /// Whether events are delivered.
  public enum State: String, Sendable, Hashable, Codable, CaseIterable {
    /// Events are delivered.
    case enabled
    /// No events are delivered until the endpoint is enabled again.
    case disabled
  }

  /// The most endpoints of a workspace, or of the deployment.
  public static let maximumPerWorkspace = 20
  /// The limit for the URL, in bytes.
  public static let maximumURLSize = 2 << 10
  /// The limit for ``disabledReason``, in bytes.
  public static let maximumReasonSize = TextBounds.name

  /// Whether an event of this type is delivered to the endpoint while it is enabled.
  public func receives(_ type: DirectoryEvent.Kind) -> Bool { types?.contains(type) ?? true }
}

/// JSON: secrets are in base64.
extension WebhookEndpoint: Codable {
  private enum CodingKeys: String, CodingKey {
    case id, workspace, url, description, types, sealedSecret, formerSealedSecret, formerSecretUntil, state, disabledReason, disabledAt
    case createdAt, version
  }

  /// Decodes the JSON form. Ignores types of events that a newer release added: this process does not publish them.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      id: try container.decode(WebhookID.self, forKey: .id),
      workspace: try container.decode(WorkspaceID.self, forKey: .workspace),
      url: try container.decode(String.self, forKey: .url),
      description: try container.decode(String.self, forKey: .description),
      types: try container.decodeIfPresent([String].self, forKey: .types)?.compactMap(DirectoryEvent.Kind.init(rawValue:)),
      sealedSecret: [UInt8](try container.decode(Data.self, forKey: .sealedSecret)),
      formerSealedSecret: try container.decodeIfPresent(Data.self, forKey: .formerSealedSecret).map { [UInt8]($0) },
      formerSecretUntil: try container.decodeIfPresent(Date.self, forKey: .formerSecretUntil),
      state: try container.decode(State.self, forKey: .state),
      disabledReason: try container.decodeIfPresent(String.self, forKey: .disabledReason),
      disabledAt: try container.decodeIfPresent(Date.self, forKey: .disabledAt),
      createdAt: try container.decode(Date.self, forKey: .createdAt),
      version: try container.decode(Int64.self, forKey: .version))
  }

  /// Encodes the JSON form.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(id, forKey: .id)
    try container.encode(workspace, forKey: .workspace)
    try container.encode(url, forKey: .url)
    try container.encode(description, forKey: .description)
    try container.encodeIfPresent(types, forKey: .types)
    try container.encode(Data(sealedSecret), forKey: .sealedSecret)
    try container.encodeIfPresent(formerSealedSecret.map { Data($0) }, forKey: .formerSealedSecret)
    try container.encodeIfPresent(formerSecretUntil, forKey: .formerSecretUntil)
    try container.encode(state, forKey: .state)
    try container.encodeIfPresent(disabledReason, forKey: .disabledReason)
    try container.encodeIfPresent(disabledAt, forKey: .disabledAt)
    try container.encode(createdAt, forKey: .createdAt)
    try container.encode(version, forKey: .version)
  }
}
