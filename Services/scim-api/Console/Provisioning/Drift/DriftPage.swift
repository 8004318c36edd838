import EdgeHTTP
import EdgeReads
import Foundation
import Models
import SCIMStorage

/// *Provisioning › Drift*: who was not pushed for long.
struct DriftPage: Sendable {
  let query: DriftQuery
  private let template: ConsoleTemplate

  init(database: Database) throws {
    query = DriftQuery(database: database)
    template = try ConsoleTemplate(PackageResources.drift_mustache)
  }

  var all: [ConsoleEndpoint] { [.page("/provisioning/drift", show)] }

  @Sendable private func show(_ parameters: QueryParameters, _ context: ConsoleContext) async throws -> ConsolePage {
    let workspace = context.workspace
    let kind: ResourceKind = parameters["kind"] == DriftView.word(.group) ? .group : .user
    let asked = parameters["days"]
    let given = asked.map { Int($0) } ?? DriftView.defaultDays
    let days = given.flatMap { DriftView.allowedDays.contains($0) ? $0 : nil }
    let place = try parameters["after"].map { text throws(APIError) in
      guard let place = DriftQuery.Place(text) else { throw APIError(400, .invalidValue, "The list has no such part. Begin at its first.") }
      return place
    }
    let now = Date()
    let day = ProvisioningText.day(now - Double((days ?? DriftView.defaultDays) - 1) * 86_400)
    async let tabs = ProvisioningTab.all(on: .drift, in: workspace, of: query.database)
    async let people = query.count(.user, before: day, most: DriftView.most + 1, in: workspace)
    async let groups = query.count(.group, before: day, most: DriftView.most + 1, in: workspace)
    let found = try await query.found(kind, before: day, after: place, limit: DriftView.count + 1, in: workspace)
    let view = DriftView(
      kind, days: days ?? DriftView.defaultDays,
      wrong: days == nil ? "“\((asked ?? "").prefix(20))” is no number of days from 1 to 3650." : nil, found: found,
      totals: [.user: try await people, .group: try await groups], tabs: try await tabs, isFirst: place == nil, at: now)
    return ConsolePage(
      title: "Drift", section: .provisioning, status: view.wrong == nil ? .ok : .unprocessableContent, template: template, values: view)
  }
}
