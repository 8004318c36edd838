import Foundation
import Models

/// What an invitation has to say.
package struct InvitationNotice: Sendable {
  package var id: InvitationID
  /// 0 is the invitation itself, from 1 on they are reminders of it.
  package var reminder: Int
  package var email: String
  package var givenName: String?
  package var displayName: String?
  /// BCP 47, or a list as in `Accept-Language`.
  package var language: String?
  package var workspace: WorkspaceNotice

  package init(
    id: InvitationID, reminder: Int = 0, email: String, givenName: String? = nil, displayName: String? = nil, language: String? = nil,
    workspace: WorkspaceNotice
  ) {
    self.id = id
    self.reminder = reminder
    self.email = email
    self.givenName = givenName
    self.displayName = displayName
    self.language = language
    self.workspace = workspace
  }
}

/// What is said of a workspace, the same to all its people.
package struct WorkspaceNotice: Sendable {
  package var name: String
  /// Names it in commands.
  package var slug: String
  package var signInURL: String
  /// Stands in the link in place of the host that all workspaces share.
  package var customDomain: String?
  package var branding: InvitationBranding
  package var templates: CustomTemplates
  /// Of mails to its administrators, BCP 47; nil: English.
  package var adminLanguage: String?

  package init(
    name: String, slug: String = "", signInURL: String, customDomain: String? = nil, branding: InvitationBranding = InvitationBranding(),
    templates: CustomTemplates = CustomTemplates(), adminLanguage: String? = nil
  ) {
    self.name = name
    self.slug = slug
    self.signInURL = signInURL
    self.customDomain = customDomain
    self.branding = branding
    self.templates = templates
    self.adminLanguage = adminLanguage
  }

  package init(_ settings: WorkspaceSettings, templates: CustomTemplates = CustomTemplates()) {
    self.init(
      name: settings.name, slug: settings.slug, signInURL: settings.signInURL, customDomain: settings.customDomains.first,
      branding: settings.invitations.branding, templates: templates, adminLanguage: settings.adminLanguage)
  }

  /// Where a mail sends people to sign in; nil where the workspace's sign-in URL is no link.
  package var link: String? { SignInLink(signInURL, customDomain: customDomain)?.text }
}

/// People whom an administrator tells of their access, in place of invitations.
package struct DigestNotice: Sendable {
  package var id: InvitationID
  /// Where it goes.
  package var address: String
  package var workspace: WorkspaceNotice
  package var people: [Person]

  package struct Person: Sendable, Hashable {
    package var email: String
    package var displayName: String?

    package init(email: String, displayName: String?) {
      self.email = email
      self.displayName = displayName
    }
  }

  package init(id: InvitationID, address: String, workspace: WorkspaceNotice, people: [Person]) {
    self.id = id
    self.address = address
    self.workspace = workspace
    self.people = people
  }

  /// The most that are named in one mail.
  package static let maximumPeople = 200
}

/// Why an invitation cannot be a mail.
package enum CompositionError: Error, Hashable, CustomStringConvertible {
  case notAnAddress(String)
  case notALink(String)

  package var description: String {
    switch self {
    case .notAnAddress: "the email is not an address that mail can be sent to"
    case .notALink(let url): "the workspace's sign-in URL '\(url.withoutControlCharacters.prefix(200))' is not an http or https address"
    }
  }
}

/// A link that may stand in a mail: http or https, with a host, and of characters that end neither a line nor an attribute.
struct SignInLink: Sendable, Hashable {
  let text: String

  /// - Parameter customDomain: Takes the host's place.
  init?(_ text: String, customDomain: String? = nil) {
    guard !text.unicodeScalars.contains(where: { $0.isControl || $0.properties.isWhitespace }),
      var components = URLComponents(string: text), let host = components.host, !host.isEmpty,
      ["http", "https"].contains(components.scheme?.lowercased())
    else { return nil }
    guard let customDomain else {
      self.text = text
      return
    }
    components.host = customDomain
    components.port = nil
    components.scheme = "https"
    guard let moved = components.string else { return nil }
    self.text = moved
  }
}
