import Foundation
import MailTemplates
import Models
import Outbox
import Postgres
import ServiceKit
import Tracing

/// Applies batches of events to PostgreSQL. A batch is one transaction: load its state, decide each event, write the changes, commit.
struct EventStore: Sendable {
  let pool: PostgresPool
  /// The queue of the sending leader, which may be this process.
  let queue: MailQueue
  /// Identifies this replica in claims: `invitation-mailer/0`.
  let instance: String
  private let relay: OutboxRelay?
  private let cache = WorkspaceSettingsCache()

  /// - Parameter relay: Publishes events that were just committed.
  init(
    pool: PostgresPool, queue: MailQueue = MailQueue(), instance: String = "invitation-mailer/0", relay: OutboxRelay? = nil
  ) {
    self.pool = pool
    self.queue = queue
    self.instance = instance
    self.relay = relay
  }

  /// Applies identity events and returns the changes. Applying them again changes nothing.
  ///
  /// If this process is the sending leader, the transaction also claims mails that are due, as many as the queue has room for.
  ///
  /// - Throws: `PostgresError`, `PostgresDecodingError` or `CancellationError`. Nothing was written then, unless the outcome of the commit
  ///   is unknown.
  func apply(_ changes: [ReceivedChange], at now: Date) async throws -> MailerChanges {
    let reservation = queue.reserve(upTo: changes.count)
    var claimed: [DueInvitation] = []
    do {
      let decided = try await TraceContext.withSpan("store events", ofKind: .client, attributes: ["db.system.name": "postgresql"]) {
        try await pool.transaction { transaction in
          let known = try await load(for: changes, in: transaction)
          var decider = InvitationDecider(known: known)
          for change in changes { decider.decide(change.event, traceparent: change.traceparent) }
          let decided = decider.changes
          if let reservation { claimed = Array(decided.claimableMails(known, at: now).prefix(reservation.count)) }
          claimed = try await write(decided, claiming: claimed, in: transaction, at: now)
          return decided
        }
      }
      claimed.recordClaims(since: now)
      if let reservation { queue.fulfil(reservation, with: claimed) }
      if let time = decided.nextDue(except: Set(claimed.map(\.id)), at: now) { queue.noteDue(at: time) }
      if !decided.heldChanges.isEmpty || !decided.alerts.isEmpty { queue.noteNotices(at: now) }
      return decided
    } catch {
      if let reservation { queue.cancel(reservation, claims: claimed) }
      throw error
    }
  }

  /// Writes the changes, commits and publishes. Returns `claimed` without the mails whose invitations existed already.
  private nonisolated(nonsending) func write(
    _ changes: MailerChanges, claiming claimed: [DueInvitation], in transaction: PostgresTransaction, at now: Date
  ) async throws -> [DueInvitation] {
    let steps = try MailerWriter.steps(for: changes, claiming: Set(claimed.map(\.id)), by: instance, at: now)
    guard !steps.isEmpty else { return claimed }
    // Without changes of state, everything is known before it is written.
    let isLast = !steps.contains { $0.output == .changed } && !changes.invitations.contains(where: \.isRecorded)
    let results = try await execute(steps, andCommit: isLast, in: transaction)
    var written = Written(claimed: claimed)
    for (step, rows) in zip(steps, results) { try written.add(rows, of: step, for: changes, at: now) }
    if !isLast { try await transaction.commit(written.states, publishingWith: relay) }
    return written.claimed
  }

  private nonisolated(nonsending) func execute(
    _ steps: [MailerWriter.Step], andCommit isLast: Bool, in transaction: PostgresTransaction
  ) async throws -> [Rows] {
    let statements = steps.map { ($0.statement, $0.parameters) }
    guard isLast else { return try await transaction.pipeline(statements) }
    return try await relay.publishing { deletion in
      (try await transaction.pipeline(statements + deletion, commit: true), [])
    }
  }

  /// What the statements of a batch have written.
  private struct Written {
    var claimed: [DueInvitation]
    var states: [StateChange] = []

    mutating func add(_ rows: Rows, of step: MailerWriter.Step, for changes: MailerChanges, at now: Date) throws {
      switch step.output {
      case .none: break
      case .inserted:
        let inserted = Set(try rows.map { InvitationID(try $0.uuid(0)) })
        claimed.removeAll { !inserted.contains($0.id) }
        states += changes.invitations.filter { $0.isRecorded && inserted.contains($0.id) }.map { $0.creation(at: now) }
      case .changed: states += try rows.map { try StateChange($0) }.filter(\.isEnd)
      }
    }
  }

  /// Applies bounce and delivery reports.
  ///
  /// - Throws: `PostgresError` or `CancellationError`.
  func apply(_ reports: [MailEvent], at now: Date) async throws {
    guard !reports.isEmpty else { return }
    // Only the last report about each invitation, since a statement updates a row once.
    var latest: [MailEvent] = []
    for report in reports {
      latest.removeAll { $0.workspace == report.workspace && $0.key == report.key }
      latest.append(report)
    }
    let reported = latest
    try await pool.transaction { transaction in
      let changed = try await transaction.query(
        EventStatements.report,
        [
          .uuidArray(reported.map(\.workspace.uuid)), .uuidArray(reported.map { $0.invitation?.uuid }),
          .bytesArray(reported.map { report in report.email.map { SignInKey($0, in: report.workspace).bytes } }),
          .textArray(reported.map(\.event.rawValue)),
          .textArray(
            reported.map { report in
              let reason = (report.reason ?? "").withoutControlCharacters.truncated(to: 500, bytes: 2000)
              return reason.isEmpty ? "reported by the mail system" : "reported by the mail system: \(reason)"
            }), .timestamp(now),
          .bytesArray(reported.map { report in report.email.flatMap { SignInKey.former($0, in: report.workspace)?.bytes } }),
        ])
      try await transaction.commit(try changed.map { try StateChange($0) }, publishingWith: relay)
    }
  }
}

// MARK: - Loading

extension EventStore {
  /// The rows that a batch depends on.
  private struct Keys {
    var users: Set<UserKey> = []
    var workspaces: Set<WorkspaceID> = []
    var orders: Set<OrderKey> = []
    var signIns: Set<WorkspaceSignInKey> = []
    /// Whether missing invitations of users who were created after the database are restored.
    var needsOrigin = false

    init(_ changes: [ReceivedChange]) {
      for change in changes {
        switch change.event {
        case .userChanged(let event):
          let record = UserRecord(event)
          users.insert(record.key)
          workspaces.insert(event.workspace)
          // Only people who are not active are promoted because of an earlier sign-in.
          if record.state != .active { signIns.formUnion(record.signInKeys) }
          if event.invitation != nil { needsOrigin = true }
        case .workspaceChanged(let event): workspaces.insert(event.workspace)
        case .invitationOrdered(let event):
          workspaces.insert(event.workspace)
          orders.insert(OrderKey(workspace: event.workspace, id: event.id))
          if let user = event.order.user { users.insert(UserKey(workspace: event.workspace, id: user)) }
        case .changeHeld(let event): workspaces.insert(event.workspace)
        case .groupChanged, .signInRefused, .webhookChanged, .webhookOrdered, .workspaceAlert: break
        }
      }
    }
  }

  /// Loads the state that the batch depends on with one statement.
  private nonisolated(nonsending) func load(
    for changes: [ReceivedChange], in transaction: PostgresTransaction
  ) async throws -> KnownState {
    let keys = Keys(changes)
    var known = KnownState()
    guard !keys.workspaces.isEmpty else { return known }
    let (workspaces, signIns) = (keys.workspaces.sorted(), keys.signIns.sorted())
    let cached = cache.entries(of: workspaces)
    let rows = try await transaction.query(
      EventStatements.load,
      [
        .uuidArray(workspaces.map(\.uuid)), .intArray(workspaces.map { cached[$0]?.record.version ?? -1 }),
        .intArray(workspaces.map { Int64(cached[$0]?.templates ?? -1) }),
      ] + keys.users.sorted().columns + [
        .uuidArray(keys.orders.map(\.workspace.uuid)), .uuidArray(keys.orders.map(\.id.uuid)),
        .uuidArray(signIns.map(\.workspace.uuid)), .bytesArray(signIns.map(\.key.bytes)), .bool(keys.needsOrigin),
      ])
    var invited: [UserKey] = []
    for row in rows {
      switch try row.string(0) {
      case "workspace":
        let entry = try workspace(row, cached)
        known.workspaces[entry.record.id] = entry.record
        known.templates[entry.record.id] = entry.templates
      case "user":
        known.users[try user(row)] = KnownUser(
          version: Int64(try row.int(4)), state: try row.bool(8) ? .invited(email: try row.optionalString(6)) : .other,
          hasInvitation: false)
      case "invited": invited.append(try user(row))
      case "order": known.orders.insert(CommandID(try row.uuid(2)))
      case "sign-in":
        known.skippedSignIns[WorkspaceSignInKey(WorkspaceID(try row.uuid(1)), SignInKey(bytes: try row.bytes(3)))] = try row.timestamp(7)
      default: known.databaseCreatedAt = try row.timestamp(7)
      }
    }
    for user in invited { known.users[user]?.hasInvitation = true }
    return known
  }

  private func user(_ row: Row) throws -> UserKey { UserKey(workspace: WorkspaceID(try row.uuid(1)), id: UserID(try row.uuid(2))) }

  /// A workspace, with the settings of the row, or the cached ones if they have the same version.
  private func workspace(
    _ row: Row, _ cached: [WorkspaceID: WorkspaceSettingsCache.Entry]
  ) throws -> WorkspaceSettingsCache.Entry {
    let id = WorkspaceID(try row.uuid(1))
    if row.isNull(6), let entry = cached[id] { return entry }
    let record = WorkspaceRecord(
      id: id, settings: try JSONData.decode(from: row.bytes(6), type: "workspace settings"), version: Int64(try row.int(4)))
    let entry = WorkspaceSettingsCache.Entry(record: record, templates: try row.int(5))
    cache.insert(entry)
    return entry
  }
}

extension [UserKey] {
  /// The keys as two array parameters: workspace ids and user ids.
  var columns: [PostgresValue] { [.uuidArray(map(\.workspace.uuid)), .uuidArray(map(\.id.uuid))] }
}
