import EdgeHTTP
import Foundation
import Models
import Postgres

/// Reads everything that the database knows about a member, also about a deleted one, in a snapshot.
package struct MemberExportQuery: Sendable {
  /// The database with the views.
  package let database: Database

  /// Reads from the views of `database`.
  package init(database: Database) {
    self.database = database
  }

  /// Opens a snapshot of what is known about a member.
  ///
  /// - Throws: 429 if the workspace uses too many exclusive connections; `PostgresError`.
  package func export(of id: UserID, in workspace: WorkspaceID) async throws -> MemberExport {
    MemberExport(member: id, workspace: workspace, snapshot: try await database.snapshot(of: workspace))
  }
}

/// What is known about a member at one moment, in pages.
package struct MemberExport: Sendable {
  /// The member.
  package let member: UserID
  private let workspace: WorkspaceID
  private let snapshot: Database.Snapshot

  fileprivate init(member: UserID, workspace: WorkspaceID, snapshot: Database.Snapshot) {
    self.member = member
    self.workspace = workspace
    self.snapshot = snapshot
  }

  /// A kind of data, in the order of the export.
  package enum Section: String, Sendable, CaseIterable {
    /// The user in the store with the SCIM resource, or the tombstone.
    case member
    /// The groups of the user.
    case group
    /// The product's account that the user is linked to.
    case account
    /// The member in the product's directory.
    case directory
    /// Changes that waited for approval.
    case heldChange = "held-change"
    /// Invitations.
    case invitation
    /// The states of the invitations.
    case invitationState = "invitation-state"
    /// The last known sign-in by each name and address.
    case signIn = "sign-in"
    /// What the person lost when access ended.
    case receipt
    /// Requests of the identity provider, with their bodies.
    case request
    /// Events for the product.
    case event
    /// Entries of the audit trail.
    case audit
  }

  /// A page of a section.
  package struct Page: Sendable {
    /// The rows, as JSON.
    package var rows: [[UInt8]]
    /// Where the next page starts; nil after the last one.
    package var next: String?
  }

  /// Reads a page of a section.
  ///
  /// - Parameter place: ``Page/next`` of the page before; nil for the first one.
  package func page(of section: Section, after place: String?) async throws -> Page {
    let rows = try await snapshot.query(
      section.statement, [.uuid(workspace.uuid), .uuid(member.uuid), .optional(place, PostgresValue.text)])
    var page = Page(rows: [], next: nil)
    for row in rows {
      if let json = try row.optionalBytes(0) { page.rows.append(json) }
      // The place of the last row that was read, whether or not it is about the member.
      if let place = try row.optionalString(1) { page.next = place }
    }
    return page
  }
}

/// The statements of ``MemberExport``. Parameters: workspace, member, place. Columns: the row as JSON, and the place of the next page. A section
/// without pages has the place null.
extension MemberExport.Section {
  var statement: Statement {
    switch self {
    case .member: MemberExportStatements.member
    case .group: MemberExportStatements.groups
    case .account: MemberExportStatements.account
    case .directory: MemberExportStatements.directory
    case .heldChange: MemberExportStatements.heldChanges
    case .invitation: MemberExportStatements.invitations
    case .invitationState: MemberExportStatements.invitationStates
    case .signIn: MemberExportStatements.signIns
    case .receipt: MemberExportStatements.receipts
    case .request: MemberExportStatements.requests
    case .event: MemberExportStatements.events
    case .audit: MemberExportStatements.audit
    }
  }
}
