import ArgumentParser
import Foundation
import Kafka
import Logging
import ServiceKit

/// `scimctl top`, which shows the busiest workspaces.
struct TopCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "top", abstract: "Show the busiest workspaces, the lag of the consumers, and the statements that run longest.",
    discussion: """
      Requests are those of the last minute in the provisioning log: writes, failed requests and samples of reads. On a terminal the display is \
      refreshed until Ctrl-C. Always uses the database and Kafka. Changes nothing.
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
    guard (1...1000).contains(limit) else { throw ValidationError("--limit must be between 1 and 1000.") }
  }

  func run() async throws {
    let settings = try await Settings.forWriting()
    let logger = Logger(label: "kafka", factory: { _ in SwiftLogNoOpLogHandler() })
    let inspection = try ClusterInspection(try settings.kafkaConfiguration, logger: logger)
    let isTerminal = isatty(STDOUT_FILENO) == 1
    try await withDatabase(settings, statementTimeout: .seconds(10)) { pool in
      let monitor = ActivityMonitor(pool: pool, inspection: inspection)
      while true {
        let activity = try await monitor.measure(limit: limit, at: Date())
        show(activity, isTerminal: isTerminal)
        // A pipe gets one measurement, unless it asked for a stream of JSON.
        if once || (!isTerminal && !json) { return }
        try await Task.sleep(for: .seconds(interval))
      }
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
