import EdgeHTTP
import EdgeReads
import Foundation
import Hummingbird
import Models
import SCIMStorage

/// `/console/provisioning/drift`: the people and groups that the identity provider has not written for a long time.
struct DriftController: ConsoleController {
  private let query: DriftQuery
  private let template: ConsoleTemplate

  /// - Throws: an error if an embedded template cannot be parsed.
  init(database: Database) throws {
    query = DriftQuery(database: database)
    template = try ConsoleTemplate(PackageResources.drift_mustache)
  }

  func addRoutes(to group: RouterGroup<ConsoleContext>) {
    group.page("provisioning/drift", use: show)
  }

  private func show(_ parameters: QueryParameters, _ context: ConsoleContext) async throws -> ConsolePage {
    let workspace = context.workspace
    let kind: ResourceKind = parameters["kind"] == DriftView.noun(for: .group) ? .group : .user
    let enteredDays = parameters["days"]
    let days = (enteredDays.map { Int($0) } ?? DriftView.defaultDays).flatMap { DriftView.allowedDays.contains($0) ? $0 : nil }
    let cursor = try parameters["after"].map { text throws(APIError) in
      guard let cursor = DriftQuery.Cursor(text) else { throw APIError.unknownPageOfList() }
      return cursor
    }
    let now = Date()
    let day = UTCDay.text(now - Double((days ?? DriftView.defaultDays) - 1) * 86_400)
    async let tabs = ProvisioningTab.all(on: .drift, in: workspace, of: query.database)
    async let people = query.count(.user, before: day, maximum: DriftView.maximumCounted + 1, in: workspace)
    async let groups = query.count(.group, before: day, maximum: DriftView.maximumCounted + 1, in: workspace)
    let found = try await query.resources(kind, before: day, after: cursor, limit: DriftView.pageSize + 1, in: workspace)
    let view = DriftView(
      kind, days: days ?? DriftView.defaultDays,
      error: days == nil ? "Enter a number of days from 1 to 3650 instead of “\((enteredDays ?? "").prefix(20))”." : nil, found: found,
      totals: [.user: try await people, .group: try await groups], tabs: try await tabs, isFirst: cursor == nil, at: now)
    return ConsolePage(
      title: "Drift", section: .provisioning, status: view.error == nil ? .ok : .unprocessableContent, template: template, values: view)
  }
}
