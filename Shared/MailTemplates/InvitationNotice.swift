import Foundation
import Models

/// The content of an invitation.
package struct InvitationNotice: Sendable {
  /// The invitation; the Message-ID is derived from it.
  package var id: InvitationID
  /// 0 for the invitation itself, from 1 on for reminders.
  package var reminder: Int
  /// The address of the invited person.
  package var email: String
  /// The given name, for the greeting.
  package var givenName: String?
  /// The full name, for the `To` header.
  package var displayName: String?
  /// The preferred language: a BCP 47 tag, or a list in the format of `Accept-Language`.
  package var language: String?
  /// The inviting workspace.
  package var workspace: WorkspaceNotice

  /// Creates the content of an invitation.
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

/// The part of a mail's content that is the same for all mails of a workspace.
package struct WorkspaceNotice: Sendable {
  /// The display name.
  package var name: String
  /// The short name, used in commands.
  package var slug: String
  /// The URL of the product's sign-in page.
  package var signInURL: String
  /// Replaces the host of the sign-in URL.
  package var customDomain: String?
  /// Logo, colour and sender details.
  package var branding: InvitationBranding
  /// The workspace's own templates.
  package var templates: CustomTemplates
  /// The language of mails to administrators, BCP 47; nil for English.
  package var adminLanguage: String?
  /// Identifies the content: invitations of a workspace are compiled once per version. Nil for content that has no version, such as samples.
  package var version: Version?

  /// A version of a workspace's content. It changes whenever any of the content changes.
  package struct Version: Sendable, Hashable {
    let workspace: WorkspaceID
    let settings: Int
    let templates: Int

    /// Creates the version from those of the settings and the templates.
    package init(of workspace: WorkspaceID, settings: Int, templates: Int) {
      self.workspace = workspace
      self.settings = settings
      self.templates = templates
    }
  }

  /// Creates the content from single values.
  package init(
    name: String, slug: String = "", signInURL: String, customDomain: String? = nil, branding: InvitationBranding = InvitationBranding(),
    templates: CustomTemplates = CustomTemplates(), adminLanguage: String? = nil, version: Version? = nil
  ) {
    self.name = name
    self.slug = slug
    self.signInURL = signInURL
    self.customDomain = customDomain
    self.branding = branding
    self.templates = templates
    self.adminLanguage = adminLanguage
    self.version = version
  }

  /// Creates the content from the workspace's settings.
  package init(_ settings: WorkspaceSettings, templates: CustomTemplates = CustomTemplates(), version: Version? = nil) {
    self.init(
      name: settings.name, slug: settings.slug, signInURL: settings.signInURL, customDomain: settings.customDomains.first,
      branding: settings.invitations.branding, templates: templates, adminLanguage: settings.adminLanguage, version: version)
  }

  /// The sign-in link; nil if the workspace's sign-in URL is not a valid link.
  package var link: String? { SignInLink(signInURL, customDomain: customDomain)?.text }
}

/// The content of a mail that lists new people for an administrator, instead of inviting them.
package struct DigestNotice: Sendable {
  /// The id of the mail; the Message-ID is derived from it.
  package var id: InvitationID
  /// The administrator's address.
  package var address: String
  /// The workspace that the people have access to.
  package var workspace: WorkspaceNotice
  /// The people to list.
  package var people: [Person]

  /// A new person.
  package struct Person: Sendable, Hashable {
    /// The address.
    package var email: String
    /// The full name.
    package var displayName: String?

    /// Creates a person.
    package init(email: String, displayName: String?) {
      self.email = email
      self.displayName = displayName
    }
  }

  /// Creates the content of a digest.
  package init(id: InvitationID, address: String, workspace: WorkspaceNotice, people: [Person]) {
    self.id = id
    self.address = address
    self.workspace = workspace
    self.people = people
  }

  /// The maximum number of people in one mail.
  package static let maximumPeople = 200
}

/// Why a message cannot be composed.
package enum CompositionError: Error, Hashable, CustomStringConvertible {
  /// The recipient is not a valid address.
  case notAnAddress(String)
  /// The sign-in URL is not a valid link.
  case notALink(String)

  /// The reason, for people to read. It does not contain the address.
  package var description: String {
    switch self {
    case .notAnAddress: "the email is not an address that mail can be sent to"
    case .notALink(let url): "the workspace's sign-in URL '\(url.withoutControlCharacters.prefix(200))' is not an http or https address"
    }
  }
}

/// A link that is safe in a mail: http or https, with a host, without characters that end a line or an attribute.
struct SignInLink: Sendable, Hashable {
  let text: String

  /// Parses a link; nil if it is not safe.
  ///
  /// - Parameter customDomain: Replaces the host.
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
