import Foundation
import Migrations
import Testing

@testable import ScimctlCommands

@Suite("scimctl migrate")
struct MigrateCommandTests {
  private static let expand = Migration(schema: "identity", number: 26, name: "new", sql: "-- expand\nselect 1;")
  private static let contract = BlockedMigration(
    migration: Migration(schema: "identity", number: 27, name: "drop", sql: "-- contract: drops old\nselect 1;"),
    processes: [
      RunningProcess(name: "identity-store-0", version: "0.3.0", newest: ["identity": 25], seenAt: Date(timeIntervalSince1970: 0))
    ])

  @Test("It lists what was applied, or says that there was nothing to do")
  func applied() {
    let outcome = MigrationOutcome(applied: [Self.expand], postponed: [], forced: [])
    #expect(MigrateCommand.lines(outcome) == ["Applied identity/026-new"])
    #expect(MigrateCommand.warnings(outcome).isEmpty)
    #expect(MigrateCommand.lines(MigrationOutcome(applied: [], postponed: [], forced: [])) == ["The database is up to date"])
  }

  @Test("It names the migrations that wait, and the processes that they wait for")
  func postponed() {
    let outcome = MigrationOutcome(applied: [], postponed: [Self.contract], forced: [])
    #expect(MigrateCommand.lines(outcome) == ["Nothing was applied"])
    let warning = MigrateCommand.warnings(outcome).joined()
    #expect(warning.contains("identity/027-drop must wait") && warning.contains("identity-store-0 (0.3.0)"))
  }

  @Test("It warns of processes that a forced migration breaks")
  func forced() {
    let outcome = MigrationOutcome(applied: [Self.contract.migration], postponed: [], forced: [Self.contract])
    #expect(MigrateCommand.warnings(outcome).joined().contains("identity-store-0 (0.3.0)"))
  }
}
