import ArgumentParser
import Foundation
import Kafka
import Logging
import Postgres
import ServiceKit

/// `scimctl doctor`, which checks a deployment.
struct DoctorCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor", abstract: "Check a deployment; print problems and their fixes.",
    discussion: """
      Prints one line per check: ok, warn, fail or skip. The exit status is 1 if a check fails. Through a server: whether it, its database and \
      identity-store answer. With --deep, or if only the database is set: settings, database, topics, consumers, dead letters, mail server \
      and clocks. Settings of the services are checked as well if they are in the environment (ROLLCALL_SMTP_URL and the other SMTP \
      settings, ROLLCALL_TOMBSTONE_KEY, ROLLCALL_CURSOR_KEY). Changes nothing and sends no mail.
      """)

  @Flag(help: "Print one JSON object per check.")
  var json = false

  @Flag(help: "Check everything, with the database and Kafka.")
  var deep = false

  func run() async throws {
    var failed = false
    if !deep, case .server(let server) = try Connection.selected(try await Settings.forConnection()) {
      let findings = try await ManagementClient.with(server) { await ServerCheck(client: $0).findings() }
      for finding in Finding.worstFirst(findings) { failed = show(finding) || failed }
    } else {
      for await finding in Self.findings() { failed = show(finding) || failed }
    }
    if failed { throw ExitCode(1) }
  }

  /// Prints a finding.
  ///
  /// - Returns: Whether the check failed.
  private func show(_ finding: Finding) -> Bool {
    for line in json ? [finding.json] : finding.lines { print(line) }
    fflush(nil)
    return finding.status == .fail
  }

  /// The findings of all checks, the worst first.
  static func findings() -> AsyncStream<Finding> {
    let (stream, findings) = AsyncStream.makeStream(of: Finding.self)
    let checks = Task {
      var all: [Finding] = []
      await runChecks { all.append($0) }
      for finding in Finding.worstFirst(all) { findings.yield(finding) }
      findings.finish()
    }
    findings.onTermination = { _ in checks.cancel() }
    return stream
  }

  private static func runChecks(_ report: (Finding) -> Void) async {
    let settings: ServiceSettings
    do throws(SettingsError) {
      settings = try await Settings.forDoctor()
    } catch {
      for problem in error.problems {
        report(
          .fail("settings", problem, fix: "set it in the environment or in the file in ROLLCALL_CONFIG_FILE; see 'scimctl settings'"))
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
      report(.skipped("mail", "ROLLCALL_SMTP_URL is not set; set it to the mailer's value to check the server"))
    }
  }

  private static func database(_ settings: ServiceSettings, _ report: (Finding) -> Void) async {
    do {
      let findings = try await withDatabase(settings, statementTimeout: .seconds(10)) { pool in
        var findings = try await [.ok("database", "answers")] + DatabaseCheck(pool: pool).findings()
        if let keys = try await TombstoneKeyCheck(pool: pool, settings: settings).finding() { findings.append(keys) }
        return findings
      }
      findings.forEach(report)
    } catch {
      let failure = ScimctlError(reporting: error) ?? ScimctlError(.internal, "\(error)")
      let fix =
        failure.status == .permissionDenied
        ? "as superuser: grant rollcall_reader, rollcall_operator to scimctl"
        : "pg_isready --dbname \"$ROLLCALL_DATABASE_URL\"; start PostgreSQL, or correct the URL"
      report(.fail("database", failure.message, fix: fix))
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
      // A database or Kafka that does not answer is a separate finding.
      let failure = ScimctlError(reporting: error) ?? ScimctlError(.internal, "\(error)")
      report(.skipped("dead-letters", "not counted: \(failure.message)"))
    }
  }

  private static func kafka(_ settings: ServiceSettings, _ report: (Finding) -> Void) async {
    do {
      let configuration = try settings.kafkaConfiguration
      let logger = Logger(label: "kafka", factory: { _ in SwiftLogNoOpLogHandler() })
      let brokers = configuration.bootstrapServers
      if let problem = try await Reachability(configuration, logger: logger).check(timeout: .seconds(10)) {
        report(.fail("kafka", problem, fix: "start the brokers, or correct ROLLCALL_KAFKA, which is \(brokers)"))
        return
      }
      report(.ok("kafka", "\(brokers) answers"))
      let check = KafkaCheck(
        inspection: try ClusterInspection(configuration, logger: logger), brokers: brokers,
        partitions: try settings.integer(.topicPartitions))
      try await check.findings().forEach(report)
    } catch {
      let failure = ScimctlError(reporting: error) ?? ScimctlError(.internal, "\(error)")
      report(
        .fail(
          "kafka", failure.message, fix: "check the brokers' logs, ROLLCALL_KAFKA and ROLLCALL_KAFKA_PROPERTIES"
        ))
    }
  }
}
