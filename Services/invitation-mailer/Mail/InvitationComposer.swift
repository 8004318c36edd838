import Foundation
import Models
import Mustache

/// Makes the letter of an invitation. Pure: the same invitation at the same time gives the same letter.
struct InvitationComposer: Sendable {
  private let from: MailAddress
  private let wordings: Wordings
  private let text: MustacheTemplate
  private let html: MustacheTemplate

  /// With the templates that are built in.
  init(from: MailAddress) throws {
    self.from = from
    wordings = Wordings(try Wording(json: PackageResources.wording_en_json))
    text = try MustacheTemplate(string: String(decoding: PackageResources.invitation_txt_mustache, as: UTF8.self))
    html = try MustacheTemplate(string: String(decoding: PackageResources.invitation_html_mustache, as: UTF8.self))
  }

  /// - Throws: ``CompositionError`` where this invitation can't be a mail; trying again is of no use.
  func letter(for notice: InvitationNotice, at time: Date) throws(CompositionError) -> Letter {
    guard let recipient = MailAddress(name: notice.displayName, address: notice.email) else {
      throw .notAnAddress(notice.email)
    }
    guard let url = SignInLink(notice.signInURL) else { throw .notALink(notice.signInURL) }
    let sentences = Sentences(wordings.wording(for: notice.language), notice: notice, recipient: recipient, url: url)
    return Letter(
      sender: from,
      recipient: recipient,
      headers: [
        HeaderField("Date", token: MailDate.text(time)),
        HeaderField("From", addresses: [from]),
        HeaderField("To", addresses: [recipient]),
        HeaderField("Subject", text: sentences.subject),
        HeaderField("Message-ID", token: "<\(notice.id)@\(from.domain)>"),
        HeaderField("Auto-Submitted", token: "auto-generated"),
        HeaderField("Content-Language", token: sentences.language),
      ],
      text: text.render(sentences),
      html: html.render(sentences))
  }
}

/// What an invitation has to say.
struct InvitationNotice: Sendable, Hashable {
  var id: InvitationID
  var email: String
  var givenName: String?
  var displayName: String?
  /// BCP 47.
  var language: String?
  var workspaceName: String
  var signInURL: String
}

/// Why an invitation cannot be a mail.
enum CompositionError: Error, Hashable, CustomStringConvertible {
  case notAnAddress(String)
  case notALink(String)

  var description: String {
    switch self {
    case .notAnAddress: "the person's email is not an address that mail can be sent to"
    case .notALink(let url): "the workspace's sign-in URL '\(url.withoutControlCharacters.prefix(200))' is not an http or https address"
    }
  }
}

/// A link that may stand in a mail: http or https, with a host, and of characters that end neither a line nor an attribute.
struct SignInLink: Sendable, Hashable {
  let text: String

  init?(_ text: String) {
    guard !text.unicodeScalars.contains(where: { $0.isControl || $0.properties.isWhitespace }),
      let components = URLComponents(string: text), let host = components.host, !host.isEmpty,
      ["http", "https"].contains(components.scheme?.lowercased())
    else { return nil }
    self.text = text
  }
}

/// The sentences of one invitation, as the layouts name them.
private struct Sentences {
  let language: String
  let direction: String
  let subject: String
  let preview: String
  let greeting: String
  let invitation: String
  let button: String
  let link: String
  let url: String
  let nextHeading: String
  let next: [String]
  let unexpected: String
  let automatic: String

  init(_ wording: Wording, notice: InvitationNotice, recipient: MailAddress, url: SignInLink) {
    let name = (notice.givenName ?? notice.displayName)?.withoutControlCharacters ?? ""
    let values = [
      "workspace": notice.workspaceName.withoutControlCharacters,
      "inviter": wording.inviter,
      "name": name,
      "email": recipient.address,
    ]
    func filled(_ template: MustacheTemplate) -> String { template.render(values) }
    language = wording.language
    direction = wording.direction
    subject = filled(wording.subject)
    preview = filled(wording.preview)
    greeting = filled(name.isEmpty ? wording.greetingWithoutName : wording.greeting)
    invitation = filled(wording.invitation)
    button = filled(wording.button)
    link = wording.link
    self.url = url.text
    nextHeading = wording.nextHeading
    next = wording.next.map(filled)
    unexpected = filled(wording.unexpected)
    automatic = filled(wording.automatic)
  }
}
