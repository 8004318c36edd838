import Foundation
import Models
import Postgres
import SCIM

/// Reads and changes a workspace's own wording of invitations.
protocol InvitationTemplateAdministration: Sendable {
  /// The templates of a workspace.
  func invitationTemplates(of workspace: StoredWorkspace) async throws -> [StoredTemplate]
  /// Sets the template of a language. The mailer applies it a moment later.
  func setInvitationTemplate(_ template: InvitationTemplate, of workspace: StoredWorkspace) async throws
  /// Restores the built-in wording of a language. The mailer applies it a moment later.
  func resetInvitationTemplate(_ language: String, of workspace: StoredWorkspace) async throws
}

/// A template with the time of its last change, in the form of the management API.
struct StoredTemplate: Sendable, Equatable, Codable {
  var language: String
  var subject: String?
  var text: String?
  var html: String?
  var changedAt: Date

  /// The template.
  var template: InvitationTemplate { InvitationTemplate(language: language, subject: subject, text: text, html: html) }

  /// The parts that have a wording, with their names.
  var parts: [(name: String, content: String)] {
    [("subject", subject), ("text", text), ("html", html)].compactMap { name, content in content.map { (name: name, content: $0) } }
  }

  /// One row per template.
  static func table(of templates: [StoredTemplate]) -> Table {
    var table = Table("LANGUAGE", "PARTS", "CHANGED")
    for template in templates {
      table.append([template.language, template.parts.map(\.name).joined(separator: ","), Timestamp.text(template.changedAt)])
    }
    return table
  }
}

extension DirectAdministration: InvitationTemplateAdministration {
  func invitationTemplates(of workspace: StoredWorkspace) async throws -> [StoredTemplate] {
    try await pool.query(InvitationQueries.templates, [.uuid(workspace.id.uuid)]).map { row in
      StoredTemplate(
        language: try row.string(0), subject: try row.optionalString(1), text: try row.optionalString(2), html: try row.optionalString(3),
        changedAt: try row.timestamp(4))
    }
  }

  func setInvitationTemplate(_ template: InvitationTemplate, of workspace: StoredWorkspace) async throws {
    try await execute(.orderInvitation(.setTemplate(template)), in: workspace.id)
  }

  func resetInvitationTemplate(_ language: String, of workspace: StoredWorkspace) async throws {
    try await execute(.orderInvitation(.resetTemplate(language: language)), in: workspace.id)
  }
}

extension ServerAdministration: InvitationTemplateAdministration {
  func invitationTemplates(of workspace: StoredWorkspace) async throws -> [StoredTemplate] {
    struct Body: Decodable { var templates: [StoredTemplate] }
    let body: Body = try await client.get(.workspace("\(workspace.id)", "invitation-templates")).decoded(as: "list of templates")
    return body.templates
  }

  func setInvitationTemplate(_ template: InvitationTemplate, of workspace: StoredWorkspace) async throws {
    var body = JSONObject()
    body["subject"] = template.subject.map { .string($0) }
    body["text"] = template.text.map { .string($0) }
    body["html"] = template.html.map { .string($0) }
    try await client.send(ManagementRequest(.put, path(of: template.language, of: workspace), json: body))
  }

  func resetInvitationTemplate(_ language: String, of workspace: StoredWorkspace) async throws {
    try await client.delete(path(of: language, of: workspace))
  }

  private func path(of language: String, of workspace: StoredWorkspace) -> APIPath {
    .workspace("\(workspace.id)", "invitation-templates", language == InvitationTemplate.everyLanguage ? "all" : language)
  }
}
