import Foundation
import Migrations
import Models
import Postgres

/// Checks the database: schema versions, clock, waiting events, partitions, skipped messages, templates and names.
struct DatabaseCheck: Sendable {
  let pool: PostgresPool

  /// Ages of the oldest waiting event, in seconds. Events are normally published at once.
  private static let outboxWarning = 10.0
  private static let outboxFailure = 60.0
  /// Clock differences, in seconds.
  private static let clockTolerance = 2.0
  private static let clockFailure = 60.0

  /// Runs the checks.
  ///
  /// - Throws: `PostgresError`.
  func findings() async throws -> [Finding] {
    var findings = try await schemas()
    findings.append(try await clock())
    // The other checks need the tables.
    guard !findings.contains(where: { $0.check == "schema" && $0.status == .fail }) else { return findings }
    findings += try await pool.query(DoctorQueries.outboxes).map {
      Self.outbox(of: try $0.string(0), waiting: try $0.int(1), age: try $0.double(2))
    }
    findings += PartitionCheck.findings(
      try await pool.query(DoctorQueries.partitions).map { PartitionCheck.Partition(table: try $0.string(0), name: try $0.string(1)) },
      at: .now)
    findings += try await skippedMessages(at: .now)
    findings += try await templates()
    findings += try await names()
    findings += try await LastHourCheck(pool: pool).findings()
    return findings
  }

  private func schemas() async throws -> [Finding] {
    var findings: [Finding] = []
    for range in SchemaRange.ranges(of: SchemaMigrations.all) {
      findings.append(Self.schema(range, found: try await Migrator.state(of: range.schema, on: pool)))
    }
    return findings
  }

  /// Compares the version of a schema with those that this build supports.
  static func schema(_ range: SchemaRange, found: SchemaVersion) -> Finding {
    let (name, migrate) = (range.schema, "ROLLCALL_DATABASE_URL=<URL of the owner> scimctl migrate")
    guard range.supports(found) else {
      if found.number < range.oldest {
        return .fail(
          "schema", "\(name) has version \(found.number), and this build needs \(range.oldest): the services do not start", fix: migrate)
      }
      return .fail(
        "schema", "\(name) has version \(found.number), which this build does not support: it knows \(range.newest)",
        fix: "run the build that matches the schema, and its scimctl")
    }
    if found.number < range.newest {
      return .warn(
        "schema", "\(name) has version \(found.number); migrations up to \(range.newest) wait until older releases are replaced",
        fix: migrate)
    }
    if found.number > range.newest {
      return .ok("schema", "\(name) has version \(found.number); this build knows \(range.newest) and supports it")
    }
    return .ok("schema", "\(name) has version \(found.number)")
  }

  /// The finding about the outbox of a service.
  ///
  /// - Parameter age: The age of the oldest waiting event, in seconds.
  static func outbox(of service: String, waiting: Int, age: Double) -> Finding {
    let restart = "restart \(service) (here: ops/restart \(service)); its log says what the broker rejects"
    guard waiting > 0, age > outboxWarning else {
      return .ok("outbox", "\(service): " + (waiting == 0 ? "no events wait" : "\(waiting) events are being published"))
    }
    let message = "\(service): \(waiting) events wait to be published, the oldest for \(Int(age)) s"
    return age > outboxFailure ? .fail("outbox", message, fix: restart) : .warn("outbox", message, fix: restart)
  }

  /// Messages that were deleted before a service read them.
  private func skippedMessages(at now: Date) async throws -> [Finding] {
    let findings = try await pool.query(DoctorQueries.skippedMessages).compactMap { row in
      Self.skipped(
        Skipped(
          consumer: try row.string(0), topic: try row.string(1), noticedAt: try row.timestamp(2), partitions: try row.int(3),
          isRebuilt: try row.optionalBool(4)), at: now)
    }
    return findings.isEmpty ? [.ok("skipped-messages", "none")] : findings
  }

  /// The messages of a topic that a consumer group missed.
  struct Skipped: Sendable {
    var consumer: String
    var topic: String
    /// When the consumer noticed it.
    var noticedAt: Date
    /// The number of affected partitions.
    var partitions: Int
    /// Whether the state has been published again since; nil for topics that a rebuild does not restore.
    var isRebuilt: Bool?
  }

  /// How long doctor fails because of messages that cannot be restored, in seconds.
  private static let skippedMessageWindow: TimeInterval = 86_400

  /// The finding about missed messages; nil if it is too old to report.
  static func skipped(_ skipped: Skipped, at now: Date) -> Finding? {
    let message = """
      \(skipped.consumer) missed messages on \(skipped.partitions) partitions of '\(skipped.topic)', noticed at \
      \(Timestamp.text(skipped.noticedAt))
      """
    switch skipped.isRebuilt {
    case true?: return .ok("skipped-messages", message + "; the state has been published again since")
    case false?:
      return .fail(
        "skipped-messages", message + "; the state has not been published again yet",
        fix: "identity-store does this by itself while it runs; or run scimctl rebuild")
    case nil:
      guard now.timeIntervalSince(skipped.noticedAt) < skippedMessageWindow else { return nil }
      let fix =
        switch skipped.topic {
        case Topic.signInEvents.name: "report the product's sign-ins since then again: POST /api/v2/sign-ins, or sign-in.events"
        case Topic.mailEvents.name: "report the mail system's bounces since then again, or read its log"
        case Topic.identityCommands.name: "nothing: the senders received 503; sign-ins since then may have to be reported again"
        default: "nothing: only entries of the provisioning log are missing"
        }
      return .fail("skipped-messages", message, fix: fix)
    }
  }

  /// Invitation templates that an operator set and the mailer lost. It gets them from events, which are not kept forever.
  private func templates() async throws -> [Finding] {
    Self.templates(
      missing: try await pool.query(DoctorQueries.missingTemplates).map { (slug: try $0.string(0), language: try $0.string(1)) })
  }

  /// - Parameter missing: The workspaces and languages of lost templates.
  static func templates(missing: [(slug: String, language: String)]) -> [Finding] {
    missing.isEmpty
      ? [.ok("templates", "the mailer has all invitation templates that were set")]
      : missing.map { slug, language in
        .warn(
          "templates", "the mailer lacks the template for '\(language)' of workspace \(slug): invitations have the built-in wording",
          fix: """
            scimctl invitation template import --workspace \(slug) FILE, with the output of 'template export'; or accept it: scimctl \
            invitation template reset --workspace \(slug) --language '\(language)'
            """)
      }
  }

  /// Users and groups that have the same name by the comparison key, from before the keys were computed.
  private func names() async throws -> [Finding] {
    let shared = try await pool.query(DoctorQueries.sharedNames).map { row in
      SharedName(
        slug: try row.string(0), type: try row.string(1), id: try row.uuid(2).uuidString.lowercased(), name: try row.string(3),
        holder: try row.uuid(4).uuidString.lowercased(), holderName: try row.optionalString(5))
    }
    return Self.names(waiting: try await pool.query(DoctorQueries.outdatedNames).first?.int(0) ?? 0, shared: shared)
  }

  /// Two users or groups with one comparison key. The first one can be found only by its id.
  struct SharedName: Sendable, Equatable {
    var slug: String
    /// `User` or `Group`.
    var type: String
    var id: String
    var name: String
    /// The id of the user or group that has the key.
    var holder: String
    /// nil if that one has been deleted.
    var holderName: String?
  }

  /// - Parameter waiting: The number of keys that are still to be computed.
  static func names(waiting: Int, shared: [SharedName]) -> [Finding] {
    let findings = shared.map { shared in
      let kind = shared.type == "User" ? "user" : "group"
      let attribute = shared.type == "User" ? "userName" : "displayName"
      return Finding.warn(
        "names",
        """
        in workspace \(shared.slug) the \(kind)s '\(shared.name)' (id \(shared.id)) and '\(shared.holderName ?? "")' (id \(shared.holder)) \
        have the same \(attribute) when compared: look-ups by name and sign-ins find only the second
        """,
        fix: """
          change the \(attribute) of one of them in the identity provider, or delete the unused one: DELETE \
          /\(shared.type)s/<id>
          """)
    }
    guard findings.isEmpty else { return findings }
    return [.ok("names", waiting == 0 ? "no duplicates" : "identity-store is computing the keys of \(waiting) names again")]
  }

  private func clock() async throws -> Finding {
    let before = Date.now
    guard let row = try await pool.query(DoctorQueries.clock).first else {
      return .skipped("clock", "the database did not return its time")
    }
    let middle = before + Date.now.timeIntervalSince(before) / 2
    return Self.clock(difference: try row.timestamp(0).timeIntervalSince(middle), "PostgreSQL's clock")
  }

  /// - Parameters:
  ///   - difference: How far the clock is ahead, in seconds.
  ///   - name: The name of the clock.
  static func clock(difference: TimeInterval, _ name: String) -> Finding {
    let off = abs(difference)
    guard off > clockTolerance else {
      return .ok("clock", "\(name) and this machine's agree to within \(max(1, Int((off * 1000).rounded()))) ms")
    }
    let message =
      "\(name) is \(String(format: "%.1f", off)) s \(difference > 0 ? "ahead of" : "behind") this machine's: deadlines are not accurate"
    let fix = "timedatectl set-ntp true, on both machines"
    return off > clockFailure ? .fail("clock", message, fix: fix) : .warn("clock", message, fix: fix)
  }
}
