import EdgeHTTP
import EdgeReads
import Foundation
import Hummingbird
import Models

/// `/console/provisioning/health`: the senders, their request counts and failures.
struct HealthController: ConsoleController {
  private let query: HealthQuery
  private let template: ConsoleTemplate

  /// - Throws: an error if an embedded template cannot be parsed.
  init(database: Database) throws {
    query = HealthQuery(database: database)
    template = try ConsoleTemplate(PackageResources.health_mustache)
  }

  func addRoutes(to group: RouterGroup<ConsoleContext>) {
    group.page("provisioning/health", use: show)
  }

  private func show(_ parameters: QueryParameters, _ context: ConsoleContext) async throws -> ConsolePage {
    async let tabs = ProvisioningTab.all(on: .health, in: context.workspace, of: query.database)
    let health = try await query.health(of: context.workspace, at: Date())
    return ConsolePage(
      title: "Provisioning health", section: .provisioning, template: template, values: HealthView(health, tabs: try await tabs))
  }
}
