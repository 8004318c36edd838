import Foundation
import Mustache

/// The sentences of an invitation in one language: small templates, filled in and then laid out as text and as HTML.
struct Wording: Sendable {
  let language: String
  let direction: String
  let subject: MustacheTemplate
  let preview: MustacheTemplate
  /// Who invites, where nobody is named.
  let inviter: String
  let greeting: MustacheTemplate
  let greetingWithoutName: MustacheTemplate
  let invitation: MustacheTemplate
  let button: MustacheTemplate
  let link: String
  let nextHeading: String
  let next: [MustacheTemplate]
  let unexpected: MustacheTemplate
  let automatic: MustacheTemplate

  /// Reads a `wording.….json`.
  ///
  /// - Throws: `DecodingError` where a sentence is missing, the parser's error where one is no template.
  init(json: [UInt8]) throws {
    let source = try JSONDecoder().decode(Source.self, from: Data(json))
    func template(_ text: String) throws -> MustacheTemplate {
      // The sentences are escaped where they are laid out, once.
      try MustacheTemplate(string: "{{% CONTENT_TYPE:TEXT}}\(text)")
    }
    language = source.language
    direction = source.direction
    subject = try template(source.subject)
    preview = try template(source.preview)
    inviter = source.inviter
    greeting = try template(source.greeting)
    greetingWithoutName = try template(source.greetingWithoutName)
    invitation = try template(source.invitation)
    button = try template(source.button)
    link = source.link
    nextHeading = source.nextHeading
    next = try source.next.map(template)
    unexpected = try template(source.unexpected)
    automatic = try template(source.automatic)
  }

  private struct Source: Decodable {
    let language, direction, subject, preview, inviter, greeting, greetingWithoutName, invitation, button, link, nextHeading: String
    let next: [String]
    let unexpected, automatic: String
  }
}

/// The languages that invitations are written in.
struct Wordings: Sendable {
  private let byLanguage: [String: Wording]
  private let fallback: Wording

  init(_ fallback: Wording, others: [Wording] = []) {
    self.fallback = fallback
    byLanguage = Dictionary((others + [fallback]).map { ($0.language, $0) }, uniquingKeysWith: { first, _ in first })
  }

  /// The wording for a BCP 47 tag: of the tag itself, else of its language (`de-CH` → `de`), else the fallback.
  func wording(for tag: String?) -> Wording {
    guard let tag = tag?.lowercased().replacing("_", with: "-") else { return fallback }
    let language = tag.prefix { $0 != "-" }
    return byLanguage[tag] ?? byLanguage[String(language)] ?? fallback
  }
}
