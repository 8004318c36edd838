import Foundation
import Kafka
import Logging
import Models
import TestSupport

/// What the services have done: counts that do not depend on the speed of the machine.
struct Activity: CustomStringConvertible {
  /// SQL commands of the services; `begin` and `commit` count.
  var commands = 0.0
  /// Database transactions of the services. A pipeline without `begin` is one.
  var transactions = 0.0
  /// Messages on all topics.
  var messages = 0.0
  /// Voluntary context switches of the services' threads, except those of librdkafka, which poll the broker of the tests.
  var wakeUps = 0.0
  /// The length of the period.
  var seconds = 0.0
  /// SQL commands by role and the beginning of their text.
  var texts: [String: Double] = [:]

  var description: String {
    let number = { (value: Double) in String(format: "%.1f", value) }
    let list = texts.filter { $0.value > 0 }.sorted { $0.key < $1.key }.map { "\n  \(number($0.value))  \($0.key)" }.joined()
    return """
      \(number(commands)) SQL commands, \(number(transactions)) transactions, \(number(messages)) messages, \(number(wakeUps)) wake-ups\(list)
      """
  }

  /// What was done beyond what the services do in an equally long part of the period `idle`.
  func without(_ idle: Activity) -> Activity {
    let share = idle.seconds > 0 ? seconds / idle.seconds : 0
    return Activity(
      commands: commands - share * idle.commands, transactions: transactions - share * idle.transactions,
      messages: messages - share * idle.messages, wakeUps: wakeUps - share * idle.wakeUps, seconds: seconds,
      texts: texts.reduce(into: [:]) { $0[$1.key] = $1.value - share * (idle.texts[$1.key] ?? 0) })
  }

  /// The lower quartile of each count: what is done now and then, or more often on a busy machine, adds to some activities only.
  static func lowerQuartile(of activities: [Activity]) -> Activity {
    func quartile(_ count: (Activity) -> Double) -> Double { activities.map(count).sorted()[activities.count / 4] }
    let texts = Set(activities.flatMap(\.texts.keys))
    return Activity(
      commands: quartile(\.commands), transactions: quartile(\.transactions), messages: quartile(\.messages), wakeUps: quartile(\.wakeUps),
      seconds: quartile(\.seconds),
      texts: texts.reduce(into: [:]) { all, text in all[text] = quartile { $0.texts[text] ?? 0 } })
  }
}

/// Counts what the services of a deployment do. The deployment must not be shared, since the counter changes settings of its PostgreSQL server.
struct ActivityCounter {
  private let deployment: Deployment
  private let inspection: ClusterInspection
  private static let marker = "rollcall-statement"

  /// Lets the PostgreSQL server log every SQL command with its role and transaction.
  init(_ deployment: Deployment) async throws {
    self.deployment = deployment
    inspection = try ClusterInspection(deployment.kafka, logger: Logger(label: "inspection", factory: { _ in SwiftLogNoOpLogHandler() }))
    _ = try await deployment.integer("alter system set log_line_prefix = '\(Self.marker) %u %v '")
    _ = try await deployment.integer("alter system set log_statement = 'all'")
    _ = try await deployment.integer("select pg_reload_conf()::int")
    try await eventually("the server to log SQL commands") {
      try await deployment.integer("select count(*) from pg_settings where name = 'log_statement' and setting = 'all'") == 1
    }
  }

  /// The activity while `body` runs.
  func during(_ body: () async throws -> Void) async throws -> Activity {
    let (messages, wakeUps, log) = (try await messages(), try await wakeUps(), await deployment.databaseLog.utf8.count)
    let began = ContinuousClock.now
    try await body()
    var activity = Activity(seconds: Double((ContinuousClock.now - began) / .milliseconds(1)) / 1000)
    activity.wakeUps = Double(try await self.wakeUps() - wakeUps)
    activity.messages = Double(try await self.messages() - messages)
    var transactions: Set<String> = []
    for line in await deployment.databaseLog.utf8.dropFirst(log).split(separator: UInt8(ascii: "\n")) {
      let fields = Substring(line).split(separator: " ", maxSplits: 4)
      // Role, transaction, level, command. The tests are the superuser.
      guard fields.count == 5, fields[0] == Self.marker, fields[1] != "postgres", fields[3] == "LOG:" else { continue }
      let command = fields[4].drop { $0 == " " }
      guard command.hasPrefix("execute") || command.hasPrefix("statement") else { continue }
      activity.commands += 1
      transactions.insert("\(fields[1]) \(fields[2])")
      activity.texts["\(fields[1]) \(command.prefix(80))", default: 0] += 1
    }
    activity.transactions = Double(transactions.count)
    return activity
  }

  /// The number of messages that have ever been written to the topics.
  private func messages() async throws -> Int64 {
    let topics = try await inspection.topics(Topic.all).mapValues(\.partitions)
    return try await inspection.positions(of: "end-to-end", on: topics).values.map(\.high).reduce(0, +)
  }

  /// The voluntary context switches of all present threads of the services, except librdkafka's.
  private func wakeUps() async throws -> Int {
    var total = 0
    for process in await deployment.processes {
      let threads = "/proc/\(process)/task"
      for thread in try FileManager.default.contentsOfDirectory(atPath: threads) {
        // A thread may have ended since.
        guard let status = try? String(contentsOfFile: "\(threads)/\(thread)/status", encoding: .utf8) else { continue }
        guard !status.hasPrefix("Name:\trdk:") else { continue }
        guard let line = status.split(separator: "\n").first(where: { $0.hasPrefix("voluntary_ctxt_switches:") }) else { continue }
        total += line.split(whereSeparator: \.isWhitespace).last.flatMap { Int($0) } ?? 0
      }
    }
    return total
  }
}
