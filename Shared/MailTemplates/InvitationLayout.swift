import Models
import Mustache

/// The recipient of an invitation, as the templates show them.
struct InvitedPerson: Sendable {
  /// The name for the greeting; empty if it is unknown.
  let name: String
  let email: String

  init(name: String, email: String) {
    self.name = name
    self.email = email
  }

  init(_ notice: InvitationNotice) {
    self.init(name: (notice.givenName ?? notice.displayName)?.mailSafeName ?? "", email: notice.email.mailSafeAddress)
  }
}

/// The parts of an invitation that templates render.
struct InvitationContent: Sendable, Equatable {
  /// The tag of the language of the sentences.
  let language: String
  let subject: String
  let text: String
  let html: String

  /// Compares bytes: equal strings may be in different normalisation forms.
  static func == (left: Self, right: Self) -> Bool {
    left.language == right.language && left.subject.utf8.elementsEqual(right.subject.utf8)
      && left.text.utf8.elementsEqual(right.text.utf8) && left.html.utf8.elementsEqual(right.html.utf8)
  }
}

/// The templates and the workspace of an invitation: everything but the recipient.
struct InvitationLayout {
  let wording: Wording
  let workspace: WorkspaceNotice
  let url: SignInLink
  let isReminder: Bool
  /// The workspace's template of the subject.
  let subject: MustacheTemplate?
  let text: MustacheTemplate
  let html: MustacheTemplate

  /// Renders the templates for a recipient.
  func content(for person: InvitedPerson) -> InvitationContent {
    var sentences = sentences(for: person)
    if let subject { sentences.subject = subject.render(sentences.values).withoutControlCharacters }
    return InvitationContent(
      language: wording.language, subject: sentences.subject, text: text.render(sentences.values), html: html.render(sentences.values))
  }

  /// The sentences for a recipient, with the built-in subject.
  func sentences(for person: InvitedPerson) -> Sentences {
    Sentences(wording, of: workspace, isReminder: isReminder, for: person, url: url)
  }
}

/// The sentences of an invitation, by their names in the layouts.
struct Sentences {
  private(set) var values: [String: Any]

  var subject: String {
    get { values["subject"] as? String ?? "" }
    set { values["subject"] = newValue }
  }

  init(_ wording: Wording, of notice: WorkspaceNotice, isReminder: Bool, for person: InvitedPerson, url: SignInLink) {
    let branding = notice.branding
    let workspace = notice.name.mailSafeName
    var names = [
      "workspace": workspace, "inviter": branding.inviter?.mailSafeName ?? wording.inviter, "name": person.name, "email": person.email,
    ]
    if let support = branding.support { names["support"] = support }
    values = [
      "workspace": workspace, "inviter": names["inviter"] ?? "", "name": person.name, "email": person.email, "url": url.text,
      "language": wording.language, "direction": wording.direction,
      "subject": wording.filled(isReminder ? .reminderSubject : .subject, names),
      "preview": wording.filled(isReminder ? .reminderPreview : .preview, names),
      "greeting": wording.filled(person.name.isEmpty ? .greetingWithoutName : .greeting, names),
      "invitation": wording.filled(isReminder ? .reminder : .invitation, names), "button": wording.filled(.button, names),
      "link": wording.link, "nextHeading": wording.nextHeading, "next": wording.next.map { $0.render(names) },
      "unexpected": wording.filled(.unexpected, names), "automatic": wording.filled(.automatic, names), "isReminder": isReminder,
    ]
    if let support = branding.support {
      values["support"] = wording.filled(.support, names)
      values["supportAddress"] = support
    }
    values.merge(InvitationComposer.colours(branding)) { first, _ in first }
  }
}
