import EdgeHTTP
import EdgeReads
import Hummingbird
import Models

/// `/console/audit`: the audit trail of the workspace.
struct AuditController: ConsoleController {
  private let query: AuditQuery
  private let template: ConsoleTemplate

  /// The number of entries on a page.
  static let pageSize = 50

  /// - Throws: an error if an embedded template cannot be parsed.
  init(database: Database) throws {
    query = AuditQuery(database: database)
    template = try ConsoleTemplate(PackageResources.audit_mustache)
  }

  func addRoutes(to group: RouterGroup<ConsoleContext>) {
    group.page("audit", use: list)
  }

  private func list(_ parameters: QueryParameters, _ context: ConsoleContext) async throws -> ConsolePage {
    let action = parameters["action"].flatMap { AuditEntryView.actions.contains($0) ? $0 : nil }
    let rejectedOnly = parameters["refused"] == "yes"
    let last = parameters["after"].flatMap { CommandID($0) }
    let page = try await query.entries(
      action: action, rejectedOnly: rejectedOnly, after: last, limit: Self.pageSize, in: context.workspace)
    func path(after id: CommandID?) -> String {
      ProvisioningTab.Page.audit.path
        + ConsoleText.query([("action", action), ("refused", rejectedOnly ? "yes" : nil), ("after", id?.description)])
    }
    return ConsolePage(
      title: "Audit", section: .provisioning, template: template,
      values: AuditView(
        tabs: try await ProvisioningTab.all(on: .audit, in: context.workspace, of: query.database),
        entries: page.entries.map(AuditEntryView.init), isEmpty: page.entries.isEmpty, isFiltered: action != nil || rejectedOnly,
        rejectedOnly: rejectedOnly,
        actions: AuditEntryView.actions.map {
          AuditView.Action(action: $0, name: AuditEntryView.name(of: $0), isChosen: $0 == action)
        },
        pager: Pager(first: last == nil ? nil : path(after: nil), next: page.next.map { path(after: $0) })))
  }
}

/// The view model of the audit trail.
struct AuditView: Sendable {
  var tabs: [ProvisioningTab]
  var entries: [AuditEntryView]
  var isEmpty: Bool
  var isFiltered: Bool
  var rejectedOnly: Bool
  var actions: [Action]
  var pager: Pager

  /// An action in the filter.
  struct Action: Sendable {
    var action: String
    var name: String
    var isChosen: Bool
  }
}
