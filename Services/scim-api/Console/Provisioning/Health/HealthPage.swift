import EdgeHTTP
import EdgeReads
import Foundation
import Models

/// *Provisioning › Health*: who calls, how much, and how much of it fails.
struct HealthPage: Sendable {
  let query: HealthQuery
  private let template: ConsoleTemplate

  init(database: Database) throws {
    query = HealthQuery(database: database)
    template = try ConsoleTemplate(PackageResources.health_mustache)
  }

  var all: [ConsoleEndpoint] {
    [
      .page("/provisioning/health") { _, context in
        async let tabs = ProvisioningTab.all(on: .health, in: context.workspace, of: query.database)
        let health = try await query.health(of: context.workspace, at: Date())
        return ConsolePage(
          title: "Health of provisioning", section: .provisioning, template: template,
          values: HealthView(health, tabs: try await tabs))
      }
    ]
  }
}
