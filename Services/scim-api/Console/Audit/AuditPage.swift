import EdgeHTTP
import EdgeReads
import Models

/// `/console/audit`: who changed what, and what was refused.
struct AuditPage: Sendable {
  let query: AuditQuery
  private let template: ConsoleTemplate

  /// How many rows a page has.
  static let size = 50

  /// - Throws: where a template that is built in cannot be read.
  init(query: AuditQuery) throws {
    self.query = query
    template = try ConsoleTemplate(PackageResources.audit_mustache)
  }

  var endpoint: ConsoleEndpoint {
    .page("/audit") { parameters, context in
      let action = parameters["action"].flatMap { AuditView.actions.contains($0) ? $0 : nil }
      let refused = parameters["refused"] == "yes"
      let last = parameters["after"].flatMap { CommandID($0) }
      let part = try await query.entries(
        action: action, refusedAlone: refused, after: last, limit: Self.size, in: context.workspace)
      let filter = [action.map { "action=\($0)" }, refused ? "refused=yes" : nil].compactMap { $0 }
      let path = { (more: [String]) in
        let parameters = (filter + more).joined(separator: "&")
        return parameters.isEmpty ? Self.path : "\(Self.path)?\(parameters)"
      }
      return ConsolePage(
        title: "Audit", section: .provisioning, template: template,
        values: Values(
          tabs: try await ProvisioningTab.all(on: .audit, in: context.workspace, of: query.database),
          entries: part.entries.map(AuditView.init), isEmpty: part.entries.isEmpty, isFiltered: !filter.isEmpty, refusedAlone: refused,
          actions: AuditView.actions.map { Values.Action(action: $0, words: AuditView.words(of: $0), isChosen: $0 == action) },
          pager: Values.Pager(first: last == nil ? nil : path([]), next: part.next.map { path(["after=\($0)"]) })))
    }
  }

  private static let path = "\(Console.path)/audit"

  private struct Values: Sendable {
    var tabs: [ProvisioningTab]
    var entries: [AuditView]
    var isEmpty: Bool
    var isFiltered: Bool
    var refusedAlone: Bool
    var actions: [Action]
    var pager: Pager

    struct Action: Sendable {
      var action: String
      var words: String
      var isChosen: Bool
    }

    struct Pager: Sendable {
      var first: String?
      var next: String?
    }
  }
}
