import Foundation
import Models

/// The invitations of a workspace in one language, rendered once with gaps for what is personal.
///
/// Composing a mail is then inserting a name and an address, instead of rendering some twenty templates.
struct CompiledInvitation: Sendable {
  private let language: String
  private let subject: GappedText
  /// Whether the subject comes from the workspace's template, whose white space is normalised.
  private let hasOwnSubject: Bool
  private let text: GappedText
  private let html: GappedText

  /// Renders the layout. Returns nil if its templates do more with personal values than insert them: then filling the gaps does not give what
  /// rendering gives, and ``InvitationLayout/content(for:)`` must be used.
  ///
  /// - Parameter person: A recipient to compare both ways with. The result is valid for all recipients who have a name if this one has, or
  ///   for all who have none.
  init?(_ layout: InvitationLayout, checkedWith person: InvitedPerson) {
    let markers = Markers()
    var sentences = layout.sentences(
      for: InvitedPerson(name: person.name.isEmpty ? "" : markers.text(.name), email: markers.text(.email)))
    let rendered = layout.subject?.render(sentences.values) ?? sentences.subject
    guard let subject = GappedText(rendered, markers) else { return nil }
    hasOwnSubject = layout.subject != nil
    if subject.hasGaps {
      sentences.subject = markers.text(.subject)
    } else if hasOwnSubject {
      sentences.subject = rendered.withoutControlCharacters
    }
    guard let text = GappedText(layout.text.render(sentences.values), markers),
      let html = GappedText(layout.html.render(sentences.values), markers)
    else { return nil }
    language = layout.wording.language
    self.subject = subject
    self.text = text
    self.html = html
    guard content(for: person) == layout.content(for: person) else { return nil }
  }

  /// The size in bytes, without the gaps.
  var size: Int { subject.size + text.size + html.size }

  /// Fills the gaps.
  func content(for person: InvitedPerson) -> InvitationContent {
    var values = [person.name, person.email, ""]
    var subject = subject.filled(values)
    if hasOwnSubject { subject = subject.withoutControlCharacters }
    values[PersonalValue.subject.rawValue] = subject
    return InvitationContent(
      language: language, subject: subject, text: text.filled(values), html: html.filled(values.map(EscapedHTML().escapeText)))
  }
}

/// The values of a mail that differ between recipients. The subject is one of them if it contains another.
private enum PersonalValue: Int, CaseIterable {
  case name, email, subject
}

/// Texts that take the place of personal values while a template is rendered.
///
/// A new random id makes them unique: neither a template nor a workspace's data can contain them. Personal data is inserted after the
/// markers are removed, so it may contain anything. No escaping changes them.
private struct Markers {
  let prefix = UUID().uuidString

  func text(_ value: PersonalValue) -> String { "\(prefix)\(value.rawValue)" }
}

/// A text with gaps for personal values.
private struct GappedText: Sendable {
  /// The text before the first gap.
  private let start: String
  /// The gaps, each with the text that follows it.
  private let rest: [(gap: Int, text: String)]
  /// The size in bytes, without the gaps.
  let size: Int

  /// Divides a rendered text at its markers; nil if one of them was changed.
  init?(_ rendered: String, _ markers: Markers) {
    // Compares bytes: a marker may be part of one character with its neighbours.
    let bytes = Array(rendered.utf8)
    let prefix = Array(markers.prefix.utf8)
    var rest: [(gap: Int, text: String)] = []
    let ranges = bytes.ranges(of: prefix)
    for (index, range) in ranges.enumerated() {
      let end = index + 1 < ranges.count ? ranges[index + 1].lowerBound : bytes.endIndex
      let following = bytes[range.upperBound..<end]
      guard let digit = following.first, let gap = PersonalValue(rawValue: Int(digit) - Int(UInt8(ascii: "0"))) else { return nil }
      rest.append((gap.rawValue, String(decoding: following.dropFirst(), as: UTF8.self)))
    }
    start = String(decoding: bytes[..<(ranges.first?.lowerBound ?? bytes.endIndex)], as: UTF8.self)
    self.rest = rest
    size = bytes.count - ranges.count * (prefix.count + 1)
  }

  var hasGaps: Bool { !rest.isEmpty }

  /// Inserts the values, which are in the order of ``PersonalValue``.
  func filled(_ values: [String]) -> String {
    var text = start
    text.reserveCapacity(rest.reduce(size) { $0 + values[$1.gap].utf8.count })
    for (gap, following) in rest {
      text += values[gap]
      text += following
    }
    return text
  }
}
