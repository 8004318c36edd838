import EdgeHTTP
import Foundation
import Models
import Postgres

/// A workspace's own wording of invitations in one language.
package struct StoredTemplate: Sendable {
  /// The template.
  package var template: InvitationTemplate
  /// When it was last changed.
  package var changedAt: Date

  /// A template with the time of its last change.
  package init(template: InvitationTemplate, changedAt: Date) {
    self.template = template
    self.changedAt = changedAt
  }
}

/// Reads the invitation templates of a workspace.
package struct InvitationTemplatesQuery: Sendable {
  let database: Database

  /// Reads from the views of `database`.
  package init(database: Database) {
    self.database = database
  }

  /// All templates, by language.
  package func templates(in workspace: WorkspaceID) async throws -> [StoredTemplate] {
    try await database.query(Self.statement, [.uuid(workspace.uuid)], in: workspace).map { row in
      StoredTemplate(
        template: InvitationTemplate(
          language: try row.string(0), subject: try row.optionalString(1), text: try row.optionalString(2), html: try row.optionalString(3)),
        changedAt: try row.timestamp(4))
    }
  }

  private static let statement = Statement(
    "scim_api_invitation_templates",
    """
    select language, subject, text, html, changed_at
    from mailer_read.templates
    where workspace_id = $1
    order by language
    """)
}
