import Foundation

/// What an operator has invitation-mailer do; it goes by way of identity-store, which knows whether there is such a person.
public enum InvitationOrder: Sendable, Hashable {
  /// Revokes what invitation there is, and sends another at once, whatever the workspace's policy says.
  case resend(UserID)
  /// Nothing more is sent to this person.
  case revoke(UserID)
  /// From now on the workspace's mails in that language are made of this.
  case setTemplate(InvitationTemplate)
  /// From now on they are made of what is built in.
  case resetTemplate(language: String)

  /// Whom it is about; nil where it is about the workspace.
  public var user: UserID? {
    switch self {
    case .resend(let user), .revoke(let user): user
    case .setTemplate, .resetTemplate: nil
    }
  }
}

/// A workspace's own wording of its invitations, in mustache: each part that is nil is as built in.
public struct InvitationTemplate: Sendable, Hashable, Codable {
  /// BCP 47 (`de`, `pt-BR`); ``everyLanguage`` for all that have none of their own.
  public var language: String
  public var subject: String?
  public var text: String?
  public var html: String?

  public static let everyLanguage = "*"

  public init(language: String, subject: String? = nil, text: String? = nil, html: String? = nil) {
    self.language = language
    self.subject = subject
    self.text = text
    self.html = html
  }
}

/// In JSON `{"action":"resend","user":"…"}`, `{"action":"setTemplate","template":{…}}`, `{"action":"resetTemplate","language":"de"}`.
extension InvitationOrder: Codable {
  private enum Key: String, CodingKey {
    case action, user, template, language
  }

  private enum Action: String, Codable {
    case resend, revoke, setTemplate, resetTemplate
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    self =
      switch try container.decode(Action.self, forKey: .action) {
      case .resend: .resend(try container.decode(UserID.self, forKey: .user))
      case .revoke: .revoke(try container.decode(UserID.self, forKey: .user))
      case .setTemplate: .setTemplate(try container.decode(InvitationTemplate.self, forKey: .template))
      case .resetTemplate: .resetTemplate(language: try container.decode(String.self, forKey: .language))
      }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    switch self {
    case .resend(let user):
      try container.encode(Action.resend, forKey: .action)
      try container.encode(user, forKey: .user)
    case .revoke(let user):
      try container.encode(Action.revoke, forKey: .action)
      try container.encode(user, forKey: .user)
    case .setTemplate(let template):
      try container.encode(Action.setTemplate, forKey: .action)
      try container.encode(template, forKey: .template)
    case .resetTemplate(let language):
      try container.encode(Action.resetTemplate, forKey: .action)
      try container.encode(language, forKey: .language)
    }
  }
}
