import ArgumentParser
import Foundation
import Kafka
import Logging
import ServiceKit

/// `scimctl top`, which shows the busiest workspaces.
struct TopCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "top", abstract: "Show the busiest workspaces; with --direct also the lag of the consumers and the longest statements.",
    discussion: """
      Requests are those of the last minute in the provisioning log: writes, failed requests and samples of reads. On a terminal the display is \
      refreshed until Ctrl-C. Through a server: the workspaces, and the number of events that wait to be published. With --direct: also the \
      lag of each consumer, and the statements that run longest. Changes nothing.
      """)

  @Option(help: "The seconds between two measurements.")
  var interval = 5

  @Option(help: "The maximum number of workspaces.")
  var limit = 20

  @Flag(help: "Measure once.")
  var once = false

  @Flag(help: "Print one JSON object per measurement.")
  var json = false

  func validate() throws {
    guard (1...3600).contains(interval) else { throw ValidationError("--interval must be between 1 and 3600.") }
    guard (1...200).contains(limit) else { throw ValidationError("--limit must be between 1 and 200.") }
  }

  func run() async throws {
    if case .server(let server) = try Connection.selected(try await Settings.forConnection()) {
      return try await ManagementClient.with(server) { client in
        try await repeatedly {
          try await client.get(.admin("activity"), query: [("limit", "\(limit)")]).decoded(as: "activity of the deployment")
        }
      }
    }
    let settings = try await Settings.forWriting()
    let logger = Logger(label: "kafka", factory: { _ in SwiftLogNoOpLogHandler() })
    let inspection = try ClusterInspection(try settings.kafkaConfiguration, logger: logger)
    try await withDatabase(settings, statementTimeout: .seconds(10)) { pool in
      let monitor = ActivityMonitor(pool: pool, inspection: inspection)
      try await repeatedly { try await monitor.measure(limit: limit, at: Date()) }
    }
  }

  /// Shows measurements until it is cancelled, or once.
  private func repeatedly(_ measure: () async throws -> DeploymentActivity) async throws {
    let isTerminal = isatty(STDOUT_FILENO) == 1
    while true {
      show(try await measure(), isTerminal: isTerminal)
      // A pipe gets one measurement, unless it asked for a stream of JSON.
      if once || (!isTerminal && !json) { return }
      try await Task.sleep(for: .seconds(interval))
    }
  }

  private func show(_ activity: DeploymentActivity, isTerminal: Bool) {
    if json {
      print(activity.json)
    } else {
      // Clears the screen and moves to its start.
      if isTerminal, !once { print("\u{1B}[2J\u{1B}[H", terminator: "") }
      for line in activity.lines { print(line) }
    }
    fflush(nil)
  }
}
