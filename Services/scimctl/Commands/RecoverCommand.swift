import ArgumentParser
import Kafka
import Logging
import ServiceKit

/// `scimctl recover`, which makes Kafka and the event log agree with a restored database.
struct RecoverCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "recover", abstract: "Make Kafka and the event log agree with a database that was restored from a backup.",
    discussion: """
      Run it after the restore, before the services start. ROLLCALL_DATABASE_URL must be that of the database's owner.

      The event log gets a new epoch: products that read the events API get 410 for their cursors, and load a snapshot. The consumers skip \
      events that the restored database does not contain, and read commands, sign-ins and reports of the mail system again that came after \
      it. Then start the services, and run 'scimctl rebuild'.

      It refuses to run while services are connected, and waits until the brokers no longer count them as members of their groups. Safe to \
      run again.
      """)

  func run() async throws {
    let settings = try await Settings.forWriting()
    let configuration = try settings.kafkaConfiguration
    // librdkafka's log lines say less than the error that scimctl prints.
    let logger = Logger(label: "kafka", factory: { _ in SwiftLogNoOpLogHandler() })
    if let problem = try await Reachability(configuration, logger: logger).check(timeout: .seconds(10)) {
      throw ScimctlError(.unavailable, "Kafka does not answer: \(problem). Is it running, and is ROLLCALL_KAFKA its address?")
    }
    let inspection = try ClusterInspection(configuration, logger: logger)
    let lines = try await withDatabase(settings) { pool in
      try await RestoredDatabase(pool: pool, inspection: inspection).reconcile()
    }
    for line in lines { print(line) }
  }
}
