import EdgeHTTP
import EdgeReads
import Foundation
import Hummingbird
import Models

/// `/console/provisioning/held`: the changes that wait for an admin's approval.
struct HeldChangesController: ConsoleController {
  private let query: HeldChangesQuery
  private let commands: CommandClient
  private let template: ConsoleTemplate

  /// - Throws: an error if an embedded template cannot be parsed.
  init(database: Database, commands: CommandClient) throws {
    query = HeldChangesQuery(database: database)
    self.commands = commands
    template = try ConsoleTemplate(PackageResources.held_mustache)
  }

  func addRoutes(to group: RouterGroup<ConsoleContext>) {
    group.page("provisioning/held", use: show)
    group.form("provisioning/held/{id}/approve") { form, context in try await decide(.approve, form, context) }
    group.form("provisioning/held/{id}/reject") { form, context in try await decide(.reject, form, context) }
  }

  private func show(_ parameters: QueryParameters, _ context: ConsoleContext) async throws -> ConsolePage {
    let last = try parameters["after"].map { text throws(APIError) in
      guard let id = HeldChangeID(text) else { throw APIError.unknownPageOfList() }
      return id
    }
    async let tabs = ProvisioningTab.all(on: .held, in: context.workspace, of: query.database)
    async let decided = query.decided(limit: HeldChangesView.pageSize, in: context.workspace)
    let pending = try await query.pending(after: last, limit: HeldChangesView.pageSize + 1, in: context.workspace)
    return ConsolePage(
      title: "Held changes", section: .provisioning, template: template,
      values: HeldChangesView(
        pending, decided: try await decided, settings: context.session.caller.settings, tabs: try await tabs, isFirst: last == nil))
  }

  private func decide(
    _ verdict: HeldChangeDecision.Verdict, _ form: Form, _ context: ConsoleContext
  ) async throws -> FormResult {
    let text = context.parameters.get("id") ?? ""
    guard let id = HeldChangeID(text), let change = try await query.change(id, in: context.workspace) else {
      throw APIError(404, "There is no held change '\(text.prefix(64))'.")
    }
    let outcome = try await commands.execute(
      .decideHeldChange(HeldChangeDecision(change: id, verdict: verdict)), on: change.resource, for: context.session.caller,
      info: context.info)
    if case .refused(let status, let error) = outcome { throw APIError(status: status, stored: error) }
    let path = form["back"] == "accounts" ? ConsoleSection.accounts.path : ProvisioningTab.Page.held.path
    return .redirect(to: path, message: Self.message(verdict, change))
  }

  /// The message after a decision.
  static func message(_ verdict: HeldChangeDecision.Verdict, _ change: HeldChangesQuery.Change) -> String {
    let name = change.name ?? "The person"
    switch (verdict, change.kind) {
    case (.approve, .membersRemoved):
      return "Approved: \(ConsoleText.count(change.leaving, "person has", "people have")) left the group \(name)."
    case (.approve, .groupDeleted): return "Approved: the group \(name) is deleted."
    case (.approve, .userDisabled): return "Approved: \(name) is disabled."
    case (.approve, .userDeleted): return "Approved: \(name) is deleted."
    case (.approve, .userEnabled), (.approve, .otherDomain), (.approve, .accountMatched): return "Approved: \(name) is enabled."
    case (.approve, .roleChanged): return "Approved: \(name) has the new role."
    case (.approve, .addressChanged): return "Approved: \(name) has the new address."
    case (.reject, .membersRemoved): return "Rejected: all members stay in the group \(name)."
    case (.reject, .groupDeleted): return "Rejected: the group \(name) stays, with all its members."
    case (.reject, .userEnabled), (.reject, .otherDomain), (.reject, .accountMatched): return "Rejected: \(name) stays disabled."
    case (.reject, _): return "Rejected: \(name) stays unchanged."
    }
  }
}
