import Foundation
import Mustache

/// The sentences of all mails in one language. They are small templates; the layouts combine them as text and HTML.
struct Wording: Sendable {
  /// The BCP 47 tag.
  let language: String
  /// The writing direction, `ltr` or `rtl`.
  let direction: String
  /// The inviter if the workspace names none.
  let inviter: String
  let link: String
  let nextHeading: String
  let digestMore: String
  /// The sentences about held changes without placeholders.
  let held: [Held: String]
  let next: [MustacheTemplate]
  private let sentences: [Sentence: MustacheTemplate]
  private let alertHeading: String
  private let alerts: [AdministratorAlert.Kind: AlertWording]

  /// A sentence with placeholders.
  enum Sentence: String, CaseIterable {
    case subject, preview, reminderSubject, reminderPreview, greeting, greetingWithoutName, invitation, reminder, button, unexpected,
      support,
      automatic, digestSubject, digest, digestNext, digestAutomatic, heldSubject, held, heldGroup, heldGroupDeleted, heldPeople,
      heldDisabled, heldDeleted, heldEnabled, heldRole, heldOtherDomain, heldAddress, heldAccount, heldMore,
      heldAutomatic
  }

  /// A sentence about held changes without placeholders.
  enum Held: String, CaseIterable {
    case heldStatus, heldGroupsHeading, heldPeopleHeading, heldOthersHeading, heldButton, heldDecideHeading, heldApprove, heldReject,
      heldWaits, heldCommands
  }

  /// Reads a `wording.….json`.
  ///
  /// - Throws: `DecodingError` if a sentence is missing; the parser's error if one is not a valid template.
  init(json: [UInt8]) throws {
    let source = try JSONDecoder().decode(Source.self, from: Data(json))
    language = source.language
    direction = source.direction
    inviter = source.inviter
    link = source.link
    nextHeading = source.nextHeading
    digestMore = source.digestMore
    next = try source.next.map(Self.template)
    let texts = try JSONDecoder().decode([String: Anything].self, from: Data(json))
    var sentences: [Sentence: MustacheTemplate] = [:]
    for sentence in Sentence.allCases {
      guard let text = texts[sentence.rawValue]?.text else {
        throw Self.missing(sentence.rawValue, in: source.language)
      }
      sentences[sentence] = try Self.template(text)
    }
    self.sentences = sentences
    var held: [Held: String] = [:]
    for sentence in Held.allCases {
      guard let text = texts[sentence.rawValue]?.text else { throw Self.missing(sentence.rawValue, in: source.language) }
      held[sentence] = text
    }
    self.held = held
    alertHeading = source.alertHeading
    var alerts: [AdministratorAlert.Kind: AlertWording] = [:]
    for kind in AdministratorAlert.Kind.allCases {
      guard let alert = source.alerts[kind.rawValue] else { throw Self.missing("alerts.\(kind.rawValue)", in: source.language) }
      alerts[kind] = try AlertWording(alert)
    }
    self.alerts = alerts
  }

  private static func missing(_ sentence: String, in language: String) -> DecodingError {
    .valueNotFound(String.self, .init(codingPath: [], debugDescription: "the wording of '\(language)' lacks '\(sentence)'"))
  }

  /// Renders a sentence.
  func filled(_ sentence: Sentence, _ values: [String: String]) -> String {
    sentences[sentence]?.render(values) ?? ""
  }

  /// Renders the sentences of an alert.
  func alert(_ kind: AdministratorAlert.Kind, _ values: [String: String]) -> AlertWording.Content {
    alerts[kind]?.filled(values, nextHeading: alertHeading)
      ?? AlertWording.Content(subject: "", text: "", facts: [], nextHeading: alertHeading, next: [], automatic: "")
  }

  /// Sentences are text templates: the layouts escape them.
  private static func template(_ text: String) throws -> MustacheTemplate {
    try MustacheTemplate(text: text)
  }

  private struct Source: Decodable {
    let language, direction, inviter, link, nextHeading, digestMore, alertHeading: String
    let next: [String]
    let alerts: [String: AlertWording.Source]
  }

  private struct Anything: Decodable {
    let text: String?
    init(from decoder: any Decoder) throws {
      text = try? decoder.singleValueContainer().decode(String.self)
    }
  }
}

/// The wordings of all supported languages.
struct Wordings: Sendable {
  private let byLanguage: [String: Wording]
  private let fallback: Wording

  init(_ fallback: Wording, others: [Wording] = []) {
    self.fallback = fallback
    byLanguage = Dictionary((others + [fallback]).map { ($0.language, $0) }, uniquingKeysWith: { first, _ in first })
  }

  /// The built-in wordings: English, German, French, Spanish and Japanese.
  static func builtIn() throws -> Wordings {
    Wordings(
      try Wording(json: PackageResources.wording_en_json),
      others: [
        try Wording(json: PackageResources.wording_de_json), try Wording(json: PackageResources.wording_fr_json),
        try Wording(json: PackageResources.wording_es_json), try Wording(json: PackageResources.wording_ja_json),
      ])
  }

  var languages: [String] { byLanguage.keys.sorted() }

  /// The wording for a language preference, else the fallback.
  func wording(for preference: String?) -> Wording {
    for tag in LanguagePreference.tags(in: preference) {
      if let wording = byLanguage[tag] { return wording }
    }
    return fallback
  }
}

/// Parses a language preference: SCIM's `preferredLanguage` (in the format of `Accept-Language`) or `locale` (RFC 7643 §4.1.1).
package enum LanguagePreference {
  /// The tags to look up, in lower case, best first: each language followed by its truncations (RFC 4647 §3.4).
  package static func tags(in preference: String?) -> [String] {
    guard let preference else { return [] }
    var ranges: [(tag: String, quality: Double)] = []
    for part in preference.split(separator: ",").prefix(10) {
      let fields = part.split(separator: ";").map { String($0).trimmingSpaces.lowercased() }
      guard let tag = fields.first, !tag.isEmpty, tag != "*" else { continue }
      let quality = fields.dropFirst().first { $0.hasPrefix("q=") }.flatMap { Double($0.dropFirst(2)) } ?? 1
      if quality > 0 { ranges.append((tag.replacing("_", with: "-"), quality)) }
    }
    let ordered = ranges.enumerated().sorted { ($1.element.quality, $0.offset) < ($0.element.quality, $1.offset) }
    return ordered.flatMap { shorterForms(of: $0.element.tag) }
  }

  private static func shorterForms(of tag: String) -> [String] {
    var subtags = tag.split(separator: "-")
    var forms: [String] = []
    while !subtags.isEmpty {
      forms.append(subtags.joined(separator: "-"))
      subtags.removeLast()
      // A singleton subtag without its extension has no meaning.
      if subtags.count > 1, subtags.last?.count == 1 { subtags.removeLast() }
    }
    return forms
  }
}
