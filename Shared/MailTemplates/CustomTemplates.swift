import Models
import Mustache

/// A workspace's own templates, read and ready.
package struct CustomTemplates: Sendable {
  private var byLanguage: [String: Parts] = [:]

  struct Parts: Sendable {
    var subject: MustacheTemplate?
    var text: MustacheTemplate?
    var html: MustacheTemplate?
  }

  package init() {}

  /// - Throws: The parser's error, for a template that ``TemplateCheck`` would not have let pass.
  package init(_ templates: [InvitationTemplate]) throws {
    for template in templates {
      byLanguage[template.language.lowercased()] = Parts(
        subject: try template.subject.map { try MustacheTemplate(text: $0) },
        text: try template.text.map { try MustacheTemplate(text: $0) },
        html: try template.html.map { try MustacheTemplate(html: $0) })
    }
  }

  /// For whoever prefers `language`: what the workspace has in that language, else in every language, part by part.
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
