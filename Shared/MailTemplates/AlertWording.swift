import Mustache

/// The sentences of one kind of ``AdministratorAlert`` in one language, as templates.
struct AlertWording: Sendable {
  private let subject, text, automatic: MustacheTemplate
  private let facts: [(label: String, value: MustacheTemplate)]
  private let next: [String]

  /// The wording with its placeholders filled.
  struct Content: Sendable, Hashable {
    var subject: String
    var text: String
    /// Details, such as an address, with their labels. Those without a value are left out.
    var facts: [Fact]
    /// The heading of ``next``.
    var nextHeading: String
    /// What the administrator can do.
    var next: [String]
    /// Why the mail was sent to this address.
    var automatic: String
  }

  /// A detail with its label.
  struct Fact: Sendable, Hashable {
    var label: String
    var value: String
  }

  /// The form of the wording in `wording.….json`.
  struct Source: Decodable {
    let subject, text, automatic: String
    let facts: [SourceFact]
    let next: [String]
  }

  /// The form of a detail in `wording.….json`.
  struct SourceFact: Decodable {
    let label, value: String
  }

  /// - Throws: The parser's error if a sentence is not a valid template.
  init(_ source: Source) throws {
    subject = try MustacheTemplate(text: source.subject)
    text = try MustacheTemplate(text: source.text)
    automatic = try MustacheTemplate(text: source.automatic)
    facts = try source.facts.map { ($0.label, try MustacheTemplate(text: $0.value)) }
    next = source.next
  }

  func filled(_ values: [String: String], nextHeading: String) -> Content {
    Content(
      subject: subject.render(values), text: text.render(values),
      facts: facts.map { Fact(label: $0.label, value: $0.value.render(values)) }.filter { !$0.value.isEmpty }, nextHeading: nextHeading,
      next: next, automatic: automatic.render(values))
  }
}
