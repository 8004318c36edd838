import Foundation
import Models
import Mustache

/// Composes the messages of invitations. The same invitation at the same time gives the same message.
///
/// Messages have no `List-Unsubscribe` header (RFC 2369), because nothing is subscribed to: they go to one person about an account that an
/// administrator created. Reminders end with the sign-in, or after the number that the workspace has set.
package struct InvitationComposer: Sendable {
  let from: MailAddress
  let wordings: Wordings
  /// Scheme and host of the deployment's console; nil if unknown.
  let appURL: String?
  let heldText: MustacheTemplate
  let heldHTML: MustacheTemplate
  let alertText: MustacheTemplate
  let alertHTML: MustacheTemplate
  private let text: MustacheTemplate
  private let html: MustacheTemplate
  private let digestText: MustacheTemplate
  private let digestHTML: MustacheTemplate
  private let fromField: HeaderField
  private let compiled = CompiledInvitationCache()

  /// Loads the built-in templates.
  ///
  /// - Parameters:
  ///   - from: The sender of all messages.
  ///   - appURL: Scheme and host of the deployment's console. If it is nil, mails link to the console only for workspaces with a custom
  ///     domain.
  /// - Throws: `MustacheTemplate.Error` or `DecodingError` if a built-in template is invalid.
  package init(from: MailAddress, appURL: String? = nil) throws {
    self.from = from
    fromField = HeaderField("From", addresses: [from])
    self.appURL = appURL
    wordings = try Wordings.builtIn()
    func text(_ bytes: [UInt8]) throws -> MustacheTemplate { try MustacheTemplate(text: String(decoding: bytes, as: UTF8.self)) }
    func html(_ bytes: [UInt8]) throws -> MustacheTemplate { try MustacheTemplate(html: String(decoding: bytes, as: UTF8.self)) }
    self.text = try text(PackageResources.invitation_txt_mustache)
    self.html = try html(PackageResources.invitation_html_mustache)
    digestText = try text(PackageResources.digest_txt_mustache)
    digestHTML = try html(PackageResources.digest_html_mustache)
    heldText = try text(PackageResources.held_txt_mustache)
    heldHTML = try html(PackageResources.held_html_mustache)
    alertText = try text(PackageResources.alert_txt_mustache)
    alertHTML = try html(PackageResources.alert_html_mustache)
  }

  /// The tags of the built-in languages.
  package var languages: [String] { wordings.languages }

  /// Composes an invitation or a reminder of one.
  ///
  /// - Throws: ``CompositionError`` if the address or the sign-in URL is invalid. Retrying does not help.
  package func message(for notice: InvitationNotice, at time: Date) throws(CompositionError) -> EmailMessage {
    guard let recipient = MailAddress(name: notice.displayName?.mailSafeName, address: notice.email) else {
      throw .notAnAddress(notice.email)
    }
    let content = try content(of: notice)
    var headers = headers(
      to: recipient, subject: content.subject, language: content.language, messageID: messageID(notice.id, reminder: notice.reminder),
      branding: notice.workspace.branding, at: time)
    if notice.reminder > 0 {
      // Mail programs show a reminder in the thread of the invitation (RFC 5322 §3.6.4).
      headers.append(HeaderField("In-Reply-To", token: messageID(notice.id, reminder: 0)))
      headers.append(HeaderField("References", token: messageID(notice.id, reminder: 0)))
    }
    return EmailMessage(sender: from, recipient: recipient, headers: headers, text: content.text, html: content.html)
  }

  /// The subject and the bodies of an invitation. They are compiled once per workspace and language if the workspace has a version.
  ///
  /// - Throws: ``CompositionError`` if the sign-in URL is invalid.
  func content(of notice: InvitationNotice) throws(CompositionError) -> InvitationContent {
    let person = InvitedPerson(notice)
    if let version = notice.workspace.version {
      let key = CompiledInvitationCache.Key(
        version: version, language: notice.language, isReminder: notice.reminder > 0, hasName: !person.name.isEmpty)
      let compiled = compiled.invitation(for: key) { layout(of: notice).flatMap { CompiledInvitation($0, checkedWith: person) } }
      if let compiled { return compiled.content(for: person) }
    }
    guard let layout = layout(of: notice) else { throw .notALink(notice.workspace.signInURL) }
    return layout.content(for: person)
  }

  /// The layout of an invitation; nil if the sign-in URL is invalid.
  private func layout(of notice: InvitationNotice) -> InvitationLayout? {
    guard let url = SignInLink(notice.workspace.signInURL, customDomain: notice.workspace.customDomain) else { return nil }
    let custom = notice.workspace.templates.parts(for: notice.language)
    return InvitationLayout(
      wording: wordings.wording(for: notice.language), workspace: notice.workspace, url: url, isReminder: notice.reminder > 0,
      subject: custom.subject, text: custom.text ?? text, html: custom.html ?? html)
  }

  /// Composes the mail that lists new people for an administrator.
  ///
  /// - Throws: ``CompositionError`` if the address or the sign-in URL is invalid. Retrying does not help.
  package func message(for notice: DigestNotice, at time: Date) throws(CompositionError) -> EmailMessage {
    guard let recipient = MailAddress(address: notice.address) else { throw .notAnAddress(notice.address) }
    guard let url = SignInLink(notice.workspace.signInURL, customDomain: notice.workspace.customDomain) else {
      throw .notALink(notice.workspace.signInURL)
    }
    let wording = wordings.wording(for: notice.workspace.adminLanguage)
    let names = ["workspace": notice.workspace.name.mailSafeName, "email": recipient.address]
    let people = notice.people.prefix(DigestNotice.maximumPeople).map { person in
      guard let name = person.displayName?.mailSafeName, !name.isEmpty else { return person.email.mailSafeAddress }
      return "\(name) (\(person.email.mailSafeAddress))"
    }
    let subject = wording.filled(.digestSubject, names)
    var values: [String: Any] = [
      "workspace": names["workspace"] ?? "", "language": wording.language, "direction": wording.direction, "subject": subject,
      "digest": wording.filled(.digest, names), "digestNext": wording.filled(.digestNext, names), "people": people, "url": url.text,
      "automatic": wording.filled(.digestAutomatic, names),
    ]
    if notice.people.count > people.count { values["more"] = wording.digestMore }
    values.merge(Self.colours(notice.workspace.branding)) { first, _ in first }
    return EmailMessage(
      sender: from, recipient: recipient,
      headers: headers(
        to: recipient, subject: subject, language: wording.language, messageID: messageID(notice.id, reminder: 0),
        branding: notice.workspace.branding, at: time),
      text: digestText.render(values), html: digestHTML.render(values))
  }

  /// The headers that all messages have.
  func headers(
    to recipient: MailAddress, subject: String, language: String, messageID: String, branding: InvitationBranding, at time: Date
  ) -> [HeaderField] {
    var headers = [
      HeaderField("Date", token: MailDate.text(time)),
      fromField,
      HeaderField("To", addresses: [recipient]),
      HeaderField("Subject", text: subject),
      HeaderField("Message-ID", token: messageID),
      HeaderField("Auto-Submitted", token: "auto-generated"),
      HeaderField("Content-Language", token: language),
    ]
    if let replyTo = branding.replyTo.flatMap({ MailAddress(address: $0) }) {
      headers.append(HeaderField("Reply-To", addresses: [replyTo]))
    }
    return headers
  }

  /// The Message-ID: the same each time a mail is sent.
  private func messageID(_ id: InvitationID, reminder: Int) -> String {
    reminder == 0 ? "<\(id)@\(from.domain)>" : "<\(id).\(reminder)@\(from.domain)>"
  }

  /// The template values of the branding.
  static func colours(_ branding: InvitationBranding) -> [String: Any] {
    let colours = MailColours(branding)
    var values: [String: Any] = [
      "colour": colours.colour, "darkColour": colours.darkColour, "onColour": colours.onColour, "linkColour": colours.linkColour,
    ]
    if let logo = branding.logoURL { values["logo"] = logo }
    return values
  }
}
