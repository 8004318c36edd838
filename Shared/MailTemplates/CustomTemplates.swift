import Models
import Mustache

/// A workspace's own templates, parsed.
package struct CustomTemplates: Sendable {
  private var byLanguage: [String: Parts] = [:]

  struct Parts: Sendable {
    var subject: MustacheTemplate?
    var text: MustacheTemplate?
    var html: MustacheTemplate?
  }

  /// No templates: the built-in ones are used.
  package init() {}

  /// Parses stored templates.
  ///
  /// - Throws: `MustacheTemplate.Error`, which does not happen for templates that passed ``TemplateCheck``.
  package init(_ templates: [InvitationTemplate]) throws {
    for template in templates {
      byLanguage[template.language.lowercased()] = Parts(
        subject: try template.subject.map { try MustacheTemplate(text: $0) },
        text: try template.text.map { try MustacheTemplate(text: $0) },
        html: try template.html.map { try MustacheTemplate(html: $0) })
    }
  }

  /// The parts for a language preference. Each part comes from the first preferred language that has it, else from the template for all
  /// languages.
  func parts(for language: String?) -> Parts {
    var found = Parts()
    for tag in LanguagePreference.tags(in: language) + [InvitationTemplate.everyLanguage] {
      guard let parts = byLanguage[tag] else { continue }
      found.subject = found.subject ?? parts.subject
      found.text = found.text ?? parts.text
      found.html = found.html ?? parts.html
    }
    return found
  }
}
