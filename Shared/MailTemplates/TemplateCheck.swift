import Foundation
import Models
import Mustache

/// Validates a workspace's own template. A valid template makes a usable mail for every recipient.
package enum TemplateCheck {
  /// The maximum size of the text or HTML, in bytes: mail programs truncate larger messages.
  package static let maximumBytes = 64 << 10
  /// The maximum length of the subject, in characters.
  package static let maximumSubject = 200

  /// The variables that a template may use.
  package static let variables: [String] = [
    "workspace", "inviter", "name", "email", "url", "logo", "colour", "darkColour", "onColour", "linkColour", "language", "direction",
    "subject", "preview", "greeting", "invitation", "button", "link", "nextHeading", "next", "unexpected", "support", "supportAddress",
    "automatic", "isReminder",
  ]

  /// The faults of a template, for an operator to read; empty if it is valid.
  package static func faults(in template: InvitationTemplate) -> [String] {
    var faults: [String] = []
    if template.language != InvitationTemplate.everyLanguage, !LanguageTag.isValid(template.language) {
      faults.append("'\(template.language.prefix(40))' is neither a language tag (BCP 47), such as de or pt-BR, nor *")
    }
    if template.subject == nil, template.text == nil, template.html == nil { faults.append("it has neither subject nor text nor HTML") }
    if let subject = template.subject {
      if subject.contains(where: \.isNewline) { faults.append("the subject has more than one line") }
      if subject.count > maximumSubject || subject.utf8.count > 4 * maximumSubject {
        faults.append("the subject is longer than \(maximumSubject) characters")
      }
    }
    for (name, part) in [("subject", template.subject), ("text", template.text), ("HTML", template.html)] {
      guard let part else { continue }
      if part.utf8.count > maximumBytes { faults.append("the \(name) is larger than \(maximumBytes / 1024) KiB") }
      let tags = TemplateTags(part)
      faults += tags.faults.map { "\(name): \($0)" }
      if name != "subject", !tags.names.contains("url") {
        faults.append("the \(name) has no {{url}}, so recipients would not know where to sign in")
      }
    }
    return faults.isEmpty ? sampleFaults(template) : faults
  }

  /// Composes sample mails and checks that they contain what they must.
  private static func sampleFaults(_ template: InvitationTemplate) -> [String] {
    do {
      let composer = try InvitationComposer(from: .sample)
      for reminder in [0, 1] {
        let notice = try InvitationNotice.sample(of: template, reminder: reminder)
        let message = try composer.message(for: notice, at: Date(timeIntervalSince1970: 0))
        for (name, part) in [("text", message.text), ("HTML", message.html)] where !part.contains("https://acme.example.com/sign-in") {
          return ["the \(name) of a sample does not show the link"]
        }
        if try composer.content(of: notice).subject.isEmpty { return ["the subject of a sample is empty"] }
      }
      return []
    } catch {
      return ["it is not a valid mustache template: \(error)"]
    }
  }
}

/// The tags of a mustache template, parsed without rendering it.
struct TemplateTags {
  private(set) var names: Set<String> = []
  private(set) var faults: [String] = []

  init(_ template: String) {
    var rest = template[...]
    var open: [String] = []
    while let start = rest.range(of: "{{") {
      rest = rest[start.upperBound...]
      guard rest.first != "{" else {
        faults.append("{{{…}}} would insert names unescaped; use {{…}}")
        return
      }
      guard let end = rest.range(of: "}}") else {
        faults.append("a {{ is never closed")
        return
      }
      read(String(rest[..<end.lowerBound]), open: &open)
      rest = rest[end.upperBound...]
    }
    for name in open { faults.append("the section {{#\(name)}} is never closed") }
  }

  private mutating func read(_ tag: String, open: inout [String]) {
    let tag = tag.trimmingSpaces
    let name = String(tag.dropFirst()).trimmingSpaces
    switch tag.first {
    case "!": break
    case "#", "^":
      addVariable(name)
      open.append(name)
    case "/":
      if open.last == name { open.removeLast() } else { faults.append("{{/\(name.prefix(40))}} closes no section") }
    case "&": faults.append("{{&…}} would insert names unescaped; use {{…}}")
    case ">", "=", "%", "<", "$", "*": faults.append("{{\(tag.prefix(40))}} is not allowed; templates may only use variables and sections")
    case ".": if tag != "." || open.last != "next" { faults.append("{{.}} is only allowed within {{#next}}") }
    default: addVariable(tag)
    }
  }

  private mutating func addVariable(_ name: String) {
    if TemplateCheck.variables.contains(name) {
      names.insert(name)
    } else {
      faults.append("unknown variable '\(name.prefix(40))'; the variables are \(TemplateCheck.variables.joined(separator: ", "))")
    }
  }
}

extension MailAddress {
  fileprivate static var sample: MailAddress {
    get throws {
      guard let address = MailAddress(name: "Rollcall", address: "invitations@rollcall.example") else {
        throw CompositionError.notAnAddress("")
      }
      return address
    }
  }
}

extension InvitationNotice {
  /// A sample invitation, to preview a template.
  ///
  /// - Throws: `MustacheTemplate.Error` if the template's syntax is invalid.
  package static func sample(
    of template: InvitationTemplate?, reminder: Int, workspace settings: WorkspaceSettings? = nil, email: String = "ana@example.com"
  ) throws -> InvitationNotice {
    let templates = try CustomTemplates(template.map { [$0] } ?? [])
    let workspace =
      settings.map { WorkspaceNotice($0, templates: templates) }
      ?? WorkspaceNotice(
        name: "Acme", signInURL: "https://acme.example.com/sign-in", branding: InvitationBranding(support: "help@acme.example.com"),
        templates: templates)
    let language = template.flatMap { $0.language == InvitationTemplate.everyLanguage ? nil : $0.language }
    return InvitationNotice(
      id: InvitationID(bytes: [UInt8](repeating: 0, count: 16)), reminder: reminder, email: email, givenName: "Ana",
      displayName: "Ana Silva",
      language: language, workspace: workspace)
  }
}
