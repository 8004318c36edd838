import Foundation

/// An operator's order to invitation-mailer. It is sent through identity-store, which checks that the user exists.
public enum InvitationOrder: Sendable, Hashable {
  /// Revokes the current invitation and sends a new one at once, whatever the invitation policy says.
  case resend(UserID)
  /// Revokes the invitation: nothing more is sent to this person.
  case revoke(UserID)
  /// Uses this template for the workspace's mails in its language.
  case setTemplate(InvitationTemplate)
  /// Uses the built-in template again.
  case resetTemplate(language: String)

  /// The user of the order; `nil` if it is about the workspace.
  public var user: UserID? {
    switch self {
    case .resend(let user), .revoke(let user): user
    case .setTemplate, .resetTemplate: nil
    }
  }
}

/// A workspace's own Mustache template for invitations. `nil` means the built-in part.
public struct InvitationTemplate: Sendable, Hashable, Codable {
  /// The language (BCP 47), such as `de` or `pt-BR`, or ``everyLanguage``.
  public var language: String
  /// The subject line.
  public var subject: String?
  /// The plain-text part.
  public var text: String?
  /// The HTML part.
  public var html: String?

  /// The ``language`` of a template for all languages without their own.
  public static let everyLanguage = "*"

  /// Creates an invitation template.
  public init(language: String, subject: String? = nil, text: String? = nil, html: String? = nil) {
    self.language = language
    self.subject = subject
    self.text = text
    self.html = html
  }
}

/// JSON: `{"action":"resend","user":"…"}`, `{"action":"setTemplate","template":{…}}`, `{"action":"resetTemplate","language":"de"}`.
extension InvitationOrder: Codable {
  private enum Key: String, CodingKey {
    case action, user, template, language
  }

  private enum Action: String, Codable {
    case resend, revoke, setTemplate, resetTemplate
  }

  /// Decodes the JSON form.
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

  /// Encodes the JSON form.
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
