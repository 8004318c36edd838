import ArgumentParser
import Foundation
import Kafka
import Logging
import Postgres
import ServiceKit

/// `scimctl doctor`
struct Doctor: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Check settings, database, topics, consumers, mail server and clocks; print what is wrong and what mends it.",
    discussion: """
      One line a check: ok, warn, fail or skip. Exits with 1 where something fails. With the services' own settings in the environment \
      (ROLLCALL_SMTP_URL and its like, ROLLCALL_TOMBSTONE_KEY, ROLLCALL_CURSOR_KEY) those are looked at as well. Changes nothing, and sends \
      no mail.
      """)

  @Flag(help: "One JSON object a check.")
  var json = false

  func run() async throws {
    var failed = false
    for await finding in Self.examine() {
      if finding.standing == .fail { failed = true }
      for line in json ? [finding.json] : finding.lines { print(line) }
      fflush(nil)
    }
    if failed { throw ExitCode(1) }
  }

  /// The findings, as they are made.
  static func examine() -> AsyncStream<Finding> {
    let (stream, findings) = AsyncStream.makeStream(of: Finding.self)
    let examination = Task {
      await examine { findings.yield($0) }
      findings.finish()
    }
    findings.onTermination = { _ in examination.cancel() }
    return stream
  }

  private static func examine(_ report: (Finding) -> Void) async {
    let settings: ServiceSettings
    do throws(SettingsError) {
      settings = try await Settings.forDoctor()
    } catch {
      for problem in error.problems {
        report(
          .fail("settings", problem, mend: "set it in the environment or in the file of ROLLCALL_CONFIG_FILE; 'scimctl --help' names them"))
      }
      return
    }
    ConfigurationCheck.findings(settings).forEach(report)
    await database(settings, report)
    await kafka(settings, report)
    await deadLetters(settings, report)
    if let mail = MailServerCheck(settings) {
      report(await mail.finding())
    } else {
      report(.skipped("mail", "ROLLCALL_SMTP_URL is not set here; with the mailer's value the server is tried"))
    }
  }

  private static func database(_ settings: ServiceSettings, _ report: (Finding) -> Void) async {
    do {
      let findings = try await withDatabase(settings, statementTimeout: .seconds(10)) { pool in
        try await [.ok("database", "answers")] + DatabaseCheck(pool: pool).findings()
      }
      findings.forEach(report)
    } catch {
      let failure = Failure(reporting: error) ?? Failure(.internal, "\(error)")
      report(
        .fail("database", failure.message, mend: "pg_isready --dbname \"$ROLLCALL_DATABASE_URL\"; start PostgreSQL or correct the URL"))
    }
  }

  private static func deadLetters(_ settings: ServiceSettings, _ report: (Finding) -> Void) async {
    do {
      let reader = TopicReader(try settings.kafkaConfiguration, logger: Logger(label: "kafka", factory: { _ in SwiftLogNoOpLogHandler() }))
      let findings = try await withDatabase(settings, statementTimeout: .seconds(10)) { pool in
        try await DeadLetterCheck(repository: DeadLetterRepository(reader: reader, pool: pool)).findings()
      }
      findings.forEach(report)
    } catch {
      // Why the database or Kafka does not answer is a finding of its own.
      let failure = Failure(reporting: error) ?? Failure(.internal, "\(error)")
      report(.skipped("dead-letters", "not counted: \(failure.message)"))
    }
  }

  private static func kafka(_ settings: ServiceSettings, _ report: (Finding) -> Void) async {
    do {
      let configuration = try settings.kafkaConfiguration
      let logger = Logger(label: "kafka", factory: { _ in SwiftLogNoOpLogHandler() })
      let brokers = configuration.bootstrapServers
      if let problem = try await Reachability(configuration, logger: logger).check(timeout: .seconds(10)) {
        report(.fail("kafka", problem, mend: "start the brokers, or correct ROLLCALL_KAFKA, which is \(brokers)"))
        return
      }
      report(.ok("kafka", "\(brokers) answers"))
      let check = KafkaCheck(
        inspection: try ClusterInspection(configuration, logger: logger), brokers: brokers,
        partitions: try settings.integer(.topicPartitions))
      try await check.findings().forEach(report)
    } catch {
      let failure = Failure(reporting: error) ?? Failure(.internal, "\(error)")
      report(
        .fail(
          "kafka", failure.message, mend: "look at the brokers' logs; ROLLCALL_KAFKA and ROLLCALL_KAFKA_PROPERTIES say how they are reached"
        ))
    }
  }
}
