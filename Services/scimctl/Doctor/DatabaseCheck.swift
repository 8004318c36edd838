import Foundation
import Migrations
import Models
import Postgres

/// What the database tells: schema versions, how long events wait, the partitions of the provisioning log, its clock.
struct DatabaseCheck: Sendable {
  let pool: PostgresPool

  /// The outbox is published at once; what waits so long, in seconds, waits for somebody.
  private static let outboxWarning = 10.0
  private static let outboxFailure = 60.0
  private static let clockTolerance = 2.0
  private static let clockFailure = 60.0

  func findings() async throws -> [Finding] {
    var findings = try await schemas()
    findings.append(try await clock())
    // Without the tables there is nothing to look at.
    guard !findings.contains(where: { $0.check == "schema" && $0.standing == .fail }) else { return findings }
    findings.append(try await outbox())
    findings.append(try await partitions(at: .now))
    findings += try await skippedMessages(at: .now)
    findings += try await templates()
    findings += try await names()
    return findings
  }

  private func schemas() async throws -> [Finding] {
    var findings: [Finding] = []
    for (name, migrations) in [("identity", SchemaMigrations.identity), ("mailer", SchemaMigrations.mailer), ("directory", SchemaMigrations.directory)] {
      let expected = migrations.map(\.number).max() ?? 0
      findings.append(Self.schema(name, found: try await Migrator.version(of: name, on: pool), expected: expected))
    }
    return findings
  }

  static func schema(_ name: String, found: Int, expected: Int) -> Finding {
    if found == expected { return .ok("schema", "\(name) has version \(found)") }
    if found < expected {
      return .fail(
        "schema", "\(name) has version \(found), and this build needs \(expected): the services do not start",
        mend: "ROLLCALL_DATABASE_URL=<of the owner> scimctl migrate")
    }
    return .fail(
      "schema", "\(name) has version \(found), newer than this build, which knows \(expected)",
      mend: "start the build that belongs to the schema, and its scimctl")
  }

  private func outbox() async throws -> Finding {
    guard let row = try await pool.query(DoctorStatements.outbox).first else { return .ok("outbox", "no event waits") }
    return Self.outbox(waiting: try row.int(0), age: try row.double(1))
  }

  static func outbox(waiting: Int, age: Double) -> Finding {
    let restart = "restart identity-store (here: ops/restart identity-store); its log says what the broker refuses"
    guard waiting > 0, age > outboxWarning else {
      return .ok("outbox", waiting == 0 ? "no event waits" : "\(waiting) events are on their way")
    }
    let message = "\(waiting) events wait to be published, the oldest for \(Int(age)) s"
    return age > outboxFailure ? .fail("outbox", message, mend: restart) : .warn("outbox", message, mend: restart)
  }

  private func partitions(at now: Date) async throws -> Finding {
    Self.partitions(try await pool.query(DoctorStatements.partitions).map { try $0.string(0) }, at: now)
  }

  /// - Parameter names: of the partitions there are, `provisioning_log_20260131`.
  static func partitions(_ names: [String], at now: Date) -> Finding {
    func name(_ days: Double) -> String {
      "provisioning_log_" + Timestamp.text(now + days * 86_400).prefix(10).replacing("-", with: "")
    }
    let missing = [0.0, 1.0].map(name).filter { !names.contains($0) }
    guard missing.isEmpty else {
      return .fail(
        "log-partitions", "the provisioning log has no partition \(missing.joined(separator: " and ")): entries wait",
        mend: "psql <as the owner> -c 'select * from identity.maintain_provisioning_log(7, 3, 30)', then restart identity-store")
    }
    return .ok("log-partitions", "\(names.count) days, and those to come")
  }

  /// Messages that a service could not read, because they were deleted before.
  private func skippedMessages(at now: Date) async throws -> [Finding] {
    let findings = try await pool.query(DoctorStatements.skippedMessages).compactMap { row in
      Self.skipped(
        Skipped(
          consumer: try row.string(0), topic: try row.string(1), noticedAt: try row.timestamp(2), partitions: try row.int(3),
          isRebuilt: try row.optionalBool(4)), at: now)
    }
    return findings.isEmpty ? [.ok("skipped-messages", "none")] : findings
  }

  /// What a consumer group missed of a topic.
  struct Skipped: Sendable {
    var consumer: String
    var topic: String
    var noticedAt: Date
    var partitions: Int
    /// Whether the state has been published again since; nil where that does not bring it back.
    var isRebuilt: Bool?
  }

  /// For how long doctor fails because of messages that nothing brings back.
  private static let memory: TimeInterval = 86_400

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
        mend: "identity-store does so by itself while it runs; or scimctl rebuild")
    case nil:
      guard now.timeIntervalSince(skipped.noticedAt) < memory else { return nil }
      let mend =
        switch skipped.topic {
        case Topic.signInEvents.name: "have the product report the sign-ins since then again: POST /api/v2/sign-ins, or sign-in.events"
        case Topic.mailEvents.name: "have the mail system report the bounces since then again, or look at its log"
        case Topic.identityCommands.name: "nothing: the senders were answered 503; sign-ins since then may have to be reported again"
        default: "nothing: only entries of the provisioning log are missing"
        }
      return .fail("skipped-messages", message, mend: mend)
    }
  }

  /// Templates of invitations that an operator set and the mailer has not: it has them from an event that is gone some day.
  private func templates() async throws -> [Finding] {
    Self.templates(
      missing: try await pool.query(DoctorStatements.missingTemplates).map { (slug: try $0.string(0), language: try $0.string(1)) })
  }

  static func templates(missing: [(slug: String, language: String)]) -> [Finding] {
    missing.isEmpty
      ? [.ok("templates", "the mailer has the invitations' templates that were set")]
      : missing.map { slug, language in
        .warn(
          "templates", "the mailer lacks the template for '\(language)' of workspace \(slug): invitations are worded as built in",
          mend: """
            scimctl invitation template import --workspace \(slug) FILE, with what 'template export' wrote; or have it so: scimctl \
            invitation template reset --workspace \(slug) --language '\(language)'
            """)
      }
  }

  /// Users and groups whose names are equal by the comparison key, from before that was computed.
  private func names() async throws -> [Finding] {
    let shared = try await pool.query(DoctorStatements.sharedNames).map { row in
      SharedName(
        slug: try row.string(0), type: try row.string(1), id: try row.uuid(2).uuidString.lowercased(), name: try row.string(3),
        holder: try row.uuid(4).uuidString.lowercased(), holderName: try row.optionalString(5))
    }
    return Self.names(waiting: try await pool.query(DoctorStatements.outdatedNames).first?.int(0) ?? 0, shared: shared)
  }

  /// Two rows with one comparison key: the first is found by its id alone.
  struct SharedName: Sendable, Equatable {
    var slug: String
    /// `User` or `Group`.
    var type: String
    var id: String
    var name: String
    var holder: String
    /// nil where it is deleted by now.
    var holderName: String?
  }

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
        mend: """
          change the \(attribute) of one of the two in the identity provider, or delete the one that is not used: DELETE \
          /\(shared.type)s/<id>
          """)
    }
    guard findings.isEmpty else { return findings }
    return [.ok("names", waiting == 0 ? "no two are equal" : "identity-store is computing the keys of \(waiting) again")]
  }

  private func clock() async throws -> Finding {
    let before = Date.now
    guard let row = try await pool.query(DoctorStatements.clock).first else { return .skipped("clock", "the database has no time") }
    let middle = before + Date.now.timeIntervalSince(before) / 2
    return Self.clock(difference: try row.timestamp(0).timeIntervalSince(middle), "PostgreSQL's clock")
  }

  static func clock(difference: TimeInterval, _ whose: String) -> Finding {
    let off = abs(difference)
    guard off > clockTolerance else {
      return .ok("clock", "\(whose) and this machine's agree within \(max(1, Int((off * 1000).rounded()))) ms")
    }
    let message =
      "\(whose) is \(String(format: "%.1f", off)) s \(difference > 0 ? "ahead of" : "behind") this machine's: deadlines are misjudged"
    let mend = "timedatectl set-ntp true, on both machines"
    return off > clockFailure ? .fail("clock", message, mend: mend) : .warn("clock", message, mend: mend)
  }
}

enum DoctorStatements {
  static let outbox = Statement(
    "doctor outbox", "select waiting, coalesce(extract(epoch from now() - oldest_at), 0)::float8 from identity_read.outbox_state")

  static let skippedMessages = Statement(
    "doctor skipped messages",
    """
    select
      s.consumer, s.topic, max(s.noticed_at), count(distinct s.partition),
      case when s.rebuild_id is not null then r.finished_at is not null end as is_rebuilt
    from (
      select * from identity_read.skipped_messages
      union all
      select * from mailer_read.skipped_messages
      union all
      select * from directory_read.skipped_messages
    ) s
    left join identity_read.rebuilds r on r.id = s.rebuild_id
    where s.noticed_at > now() - interval '30 days'
    group by s.consumer, s.topic, is_rebuilt
    order by s.consumer, s.topic, is_rebuilt
    """)

  static let clock = Statement("doctor clock", "select clock_timestamp()")

  /// By the audit trail: of each language the last that was asked for. What was asked for seconds ago may be on its way.
  static let missingTemplates = Statement(
    "doctor templates",
    """
    select w.slug, asked.language
    from (
      select distinct on (a.workspace_id, language)
        a.workspace_id, a.at,
        a.summary::json #>> '{asked,action}' as action,
        lower(coalesce(a.summary::json #>> '{asked,template,language}', a.summary::json #>> '{asked,language}')) as language
      from identity_read.audit a
      where a.action = 'order-invitation'
      and a.status is null
      and a.summary::json #>> '{asked,action}' in ('setTemplate', 'resetTemplate')
      order by a.workspace_id, language, a.at desc
    ) asked
    join identity_read.workspaces w on w.id = asked.workspace_id
    where asked.action = 'setTemplate'
    and asked.at < now() - interval '10 seconds'
    and not exists (
      select from mailer_read.templates t where t.workspace_id = asked.workspace_id and t.language = asked.language
    )
    order by w.slug, asked.language
    """)

  static let outdatedNames = Statement(
    "doctor outdated names", "select count(*) from identity_read.outdated_keys where conflicting_id is null")

  static let sharedNames = Statement(
    "doctor shared names",
    """
    select w.slug, o.type, o.id, coalesce(u.user_name, g.display_name), o.conflicting_id, coalesce(hu.user_name, hg.display_name)
    from identity_read.outdated_keys o
    join identity_read.workspaces w on w.id = o.workspace_id
    left join identity_read.users u on o.type = 'User' and u.workspace_id = o.workspace_id and u.id = o.id
    left join identity_read.groups g on o.type = 'Group' and g.workspace_id = o.workspace_id and g.id = o.id
    left join identity_read.users hu on o.type = 'User' and hu.workspace_id = o.workspace_id and hu.id = o.conflicting_id
    left join identity_read.groups hg on o.type = 'Group' and hg.workspace_id = o.workspace_id and hg.id = o.conflicting_id
    where o.conflicting_id is not null
    and coalesce(u.id, g.id) is not null
    order by w.slug, o.type, o.id
    limit 50
    """)

  static let partitions = Statement(
    "doctor partitions",
    """
    select c.relname::text
    from pg_inherits i
    join pg_class c on c.oid = i.inhrelid
    join pg_class p on p.oid = i.inhparent
    join pg_namespace n on n.oid = p.relnamespace
    where n.nspname = 'identity'
    and p.relname = 'provisioning_log'
    """)
}
