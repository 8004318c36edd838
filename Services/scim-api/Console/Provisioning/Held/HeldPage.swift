import EdgeHTTP
import EdgeReads
import Foundation
import Models
import SCIM

/// *Provisioning › Held changes*: what waits for an admin's approval.
struct HeldPage: Sendable {
  let query: HeldQuery
  let commands: CommandClient
  private let template: ConsoleTemplate

  init(database: Database, commands: CommandClient) throws {
    query = HeldQuery(database: database)
    self.commands = commands
    template = try ConsoleTemplate(PackageResources.held_mustache)
  }

  var all: [ConsoleEndpoint] {
    [
      .page("/provisioning/held", show),
      .action("/provisioning/held/{id}/approve") { _, context in try await decide(.approve, context) },
      .action("/provisioning/held/{id}/reject") { _, context in try await decide(.reject, context) },
    ]
  }

  @Sendable private func show(_ parameters: QueryParameters, _ context: ConsoleContext) async throws -> ConsolePage {
    let last = try parameters["after"].map { text throws(APIError) in
      guard let id = HeldChangeID(text) else { throw APIError(400, .invalidValue, "The list has no such part. Begin at its first.") }
      return id
    }
    async let tabs = ProvisioningTab.all(on: .held, in: context.workspace, of: query.database)
    async let decided = query.decided(limit: HeldView.count, in: context.workspace)
    let waiting = try await query.waiting(after: last, limit: HeldView.count + 1, in: context.workspace)
    return ConsolePage(
      title: "Held changes", section: .provisioning, template: template,
      values: HeldView(
        waiting, decided: try await decided, settings: context.session.caller.settings, tabs: try await tabs, isFirst: last == nil))
  }

  private func decide(_ verdict: HeldChangeDecision.Verdict, _ context: ConsoleContext) async throws -> ConsoleEndpoint.Answer {
    let text = context.parameters.get("id") ?? ""
    guard let id = HeldChangeID(text), let change = try await query.change(id, in: context.workspace) else {
      throw APIError(404, "There is no held change '\(text.prefix(64))'.")
    }
    let outcome = try await commands.execute(
      .decideHeldChange(HeldChangeDecision(change: id, verdict: verdict)), on: change.resource, for: context.session.caller,
      info: context.info)
    if case .refused(let status, let error) = outcome {
      throw APIError(status, Self.detail(error) ?? "The change was not decided. Nothing was changed.")
    }
    return .redirect(to: ProvisioningTab.Page.held.path, saying: Self.words(verdict, change))
  }

  static func words(_ verdict: HeldChangeDecision.Verdict, _ change: HeldQuery.Change) -> String {
    let name = change.name ?? "The person"
    switch (verdict, change.kind) {
    case (.approve, .membersRemoved):
      return "Approved: \(ProvisioningText.count(change.leaving, "person has", "people have")) left the group \(name)."
    case (.approve, .groupDeleted): return "Approved: the group \(name) is deleted."
    case (.approve, .userDisabled): return "Approved: \(name) is disabled."
    case (.approve, .userDeleted): return "Approved: \(name) is deleted."
    case (.reject, .membersRemoved): return "Rejected: everybody stays in the group \(name)."
    case (.reject, .groupDeleted): return "Rejected: the group \(name) stays, with all its members."
    case (.reject, _): return "Rejected: \(name) stays as they are."
    }
  }

  private static func detail(_ error: [UInt8]) -> String? {
    do { return try JSON(parsing: error).object?["detail"]?.string } catch { return nil }
  }
}
