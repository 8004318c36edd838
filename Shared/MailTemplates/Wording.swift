import Foundation
import Mustache

/// The sentences of an invitation in one language: small templates, filled in and then laid out as text and as HTML.
struct Wording: Sendable {
  let language: String
  let direction: String
  /// Who invites, where nobody is named.
  let inviter: String
  let link: String
  let nextHeading: String
  let digestMore: String
  /// What is said of held changes and names nothing.
  let held: [Held: String]
  let next: [MustacheTemplate]
  private let sentences: [Sentence: MustacheTemplate]

  enum Sentence: String, CaseIterable {
    case subject, preview, reminderSubject, reminderPreview, greeting, greetingWithoutName, invitation, reminder, button, unexpected,
      support,
      automatic, digestSubject, digest, digestNext, digestAutomatic, heldSubject, held, heldGroup, heldGroupDeleted, heldPeople,
      heldDisabled, heldDeleted, heldMore,
      heldAutomatic
  }

  enum Held: String, CaseIterable {
    case heldTold, heldGroupsHeading, heldPeopleHeading, heldButton, heldDecideHeading, heldApprove, heldReject, heldWaits, heldCommands
  }

  /// Reads a `wording.….json`.
  ///
  /// - Throws: `DecodingError` where a sentence is missing, the parser's error where one is no template.
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
        throw Self.lack(of: sentence.rawValue, in: source.language)
      }
      sentences[sentence] = try Self.template(text)
    }
    self.sentences = sentences
    var held: [Held: String] = [:]
    for sentence in Held.allCases {
      guard let text = texts[sentence.rawValue]?.text else { throw Self.lack(of: sentence.rawValue, in: source.language) }
      held[sentence] = text
    }
    self.held = held
  }

  private static func lack(of sentence: String, in language: String) -> DecodingError {
    .valueNotFound(String.self, .init(codingPath: [], debugDescription: "the wording of '\(language)' lacks '\(sentence)'"))
  }

  /// A sentence with what it names filled in.
  func filled(_ sentence: Sentence, _ values: [String: String]) -> String {
    sentences[sentence]?.render(values) ?? ""
  }

  /// The sentences are escaped where they are laid out, once.
  private static func template(_ text: String) throws -> MustacheTemplate {
    try MustacheTemplate(text: text)
  }

  private struct Source: Decodable {
    let language, direction, inviter, link, nextHeading, digestMore: String
    let next: [String]
  }

  private struct Anything: Decodable {
    let text: String?
    init(from decoder: any Decoder) throws {
      text = try? decoder.singleValueContainer().decode(String.self)
    }
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

  /// Those that are built in: English, German, French, Spanish, Japanese.
  static func builtIn() throws -> Wordings {
    Wordings(
      try Wording(json: PackageResources.wording_en_json),
      others: [
        try Wording(json: PackageResources.wording_de_json), try Wording(json: PackageResources.wording_fr_json),
        try Wording(json: PackageResources.wording_es_json), try Wording(json: PackageResources.wording_ja_json),
      ])
  }

  var languages: [String] { byLanguage.keys.sorted() }

  /// The wording for what someone prefers, else the fallback.
  func wording(for preference: String?) -> Wording {
    for tag in LanguagePreference.tags(in: preference) {
      if let wording = byLanguage[tag] { return wording }
    }
    return fallback
  }
}

/// What people prefer to read, from SCIM's `preferredLanguage` (as in `Accept-Language`) or `locale` (RFC 7643 §4.1.1).
package enum LanguagePreference {
  /// The tags to look up, in lower case, best first: each language with its shorter forms, as RFC 4647 §3.4 has it.
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
      // What introduces an extension says nothing by itself.
      if subtags.count > 1, subtags.last?.count == 1 { subtags.removeLast() }
    }
    return forms
  }
}
