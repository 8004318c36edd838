import Foundation
import Models
import Postgres

/// Translates ``MailerChanges`` into set-based SQL statements, to be sent as one pipeline.
enum MailerWriter {
  /// A statement, and what its rows are.
  struct Step {
    var statement: Statement
    var parameters: [PostgresValue]
    var output = Output.none

    enum Output: Sendable, Hashable {
      case none
      /// The ids of the inserted invitations.
      case inserted
      /// Invitations in the form of ``StateChange``. Those that ended are changes of state.
      case changed
    }

    init(_ statement: Statement, _ parameters: [PostgresValue], _ output: Output = .none) {
      self.statement = statement
      self.parameters = parameters
      self.output = output
    }
  }

  /// The statements for `changes`, in order.
  ///
  /// - Parameters:
  ///   - claims: The new invitations that `instance` claims.
  /// - Throws: `EncodingError` if settings cannot be encoded.
  static func steps(for changes: MailerChanges, claiming claims: Set<InvitationID>, by instance: String, at now: Date) throws -> [Step] {
    var steps: [Step] = []
    if !changes.workspaces.isEmpty {
      let workspaces = changes.workspaces.sorted { $0.key < $1.key }.map(\.value)
      steps.append(
        Step(
          EventStatements.writeWorkspaces,
          [
            .uuidArray(workspaces.map(\.id.uuid)),
            .textArray(try workspaces.map { String(decoding: try JSONData.encode($0.settings), as: UTF8.self) }),
            .intArray(workspaces.map(\.version)),
          ]))
    }
    if !changes.deletions.isEmpty {
      // Before the rows lose the sign-in keys.
      let deletions = changes.deletions.sorted { $0.key < $1.key }
      steps.append(
        Step(
          SignInStatements.deleteForDeletedUsers,
          deletions.map(\.key).columns + [
            .bytesArray(deletions.map { WorkspaceSignInKey($0.key).key.bytes }), .timestampArray(deletions.map(\.value)),
          ]))
    }
    if !changes.users.isEmpty {
      steps.append(Step(EventStatements.writeUsers, columns(changes.users.sorted { $0.key < $1.key }.map(\.value))))
    }
    // Before withdrawals, so that an invitation that a batch both creates and withdraws is recorded as withdrawn.
    if !changes.invitations.isEmpty {
      steps.append(
        Step(
          EventStatements.insertInvitations,
          columns(changes.invitations, claims, at: now) + [.timestamp(now), .text(instance)], .inserted))
    }
    for (workspace, policy) in changes.policies.sorted(by: { $0.key < $1.key }) {
      steps.append(Step(EventStatements.plan, planParameters(workspace, policy, at: now), .changed))
    }
    for (workspace, policy) in changes.restrictions.sorted(by: { $0.key < $1.key }) {
      steps.append(
        Step(
          EventStatements.restrict,
          [
            .uuid(workspace.uuid), .bool(policy.sending == .none), .int(policy.sending == .none ? 0 : Int64(policy.reminderDays.count)),
            .text(InvitationPlan.sendingDisabled), .timestamp(now),
          ], .changed))
      if let plan = InvitationPlan(policy) {
        steps.append(
          Step(EventStatements.redirect, [.uuid(workspace.uuid), .bool(plan.isDigest), .double(plan.delay), .timestamp(now)]))
      }
    }
    for round in changes.withdrawals {
      let withdrawals = round.values.sorted { $0.user < $1.user }
      steps.append(
        Step(
          EventStatements.withdraw,
          withdrawals.map(\.user).columns + [
            .intArray(withdrawals.map(\.upTo)), .uuidArray(withdrawals.map { $0.except?.uuid }),
            .textArray(withdrawals.map(\.state.rawValue)), .textArray(withdrawals.map(\.reason)), .timestamp(now),
          ], .changed))
    }
    if !changes.erasedUsers.isEmpty {
      steps.append(Step(EventStatements.eraseAnswers, changes.erasedUsers.sorted().columns))
      steps.append(Step(EventStatements.eraseHistory, changes.erasedUsers.sorted().columns))
    }
    for change in changes.templates { steps += templateSteps(change) }
    // Before names are erased, which may be among them.
    if !changes.heldChanges.isEmpty { steps.append(Step(NoticeStatements.insertChanges, columns(changes.heldChanges) + [.timestamp(now)])) }
    if !changes.alerts.isEmpty { steps.append(Step(AlertStatements.insert, try columns(changes.alerts) + [.timestamp(now)])) }
    if !changes.erasedUsers.isEmpty { steps.append(Step(NoticeStatements.eraseNames, changes.erasedUsers.sorted().columns)) }
    if !changes.orders.isEmpty {
      steps.append(
        Step(
          EventStatements.insertOrders,
          [.uuidArray(changes.orders.map(\.workspace.uuid)), .uuidArray(changes.orders.map(\.id.uuid)), .timestamp(now)]))
    }
    return steps
  }

  /// The parameters of ``EventStatements/plan`` for a workspace with this policy.
  static func planParameters(_ workspace: WorkspaceID, _ policy: InvitationPolicy, at now: Date) -> [PostgresValue] {
    guard let plan = InvitationPlan(policy) else {
      return [
        .uuid(workspace.uuid), .text("revoked"), .text(InvitationPlan.sendingDisabled), .double(0), .bool(false), .null, .timestamp(now),
      ]
    }
    return [
      .uuid(workspace.uuid), .text("scheduled"), .text(plan.reason), .double(plan.delay), .bool(plan.isDigest),
      .optional(plan.lifetime, PostgresValue.double), .timestamp(now),
    ]
  }

  private static func templateSteps(_ change: TemplateChange) -> [Step] {
    let key: [PostgresValue] = [.uuid(change.workspace.uuid), .text(change.language)]
    let written: Step =
      if let template = change.template {
        Step(
          EventStatements.writeTemplate,
          key + [
            .optional(template.subject, PostgresValue.text), .optional(template.text, PostgresValue.text),
            .optional(template.html, PostgresValue.text), .timestamp(change.at),
          ])
      } else {
        Step(EventStatements.deleteTemplate, key)
      }
    return [written, Step(EventStatements.countTemplates, [.uuid(change.workspace.uuid)])]
  }

  private static func columns(_ users: [UserRecord]) -> [PostgresValue] {
    users.map(\.key).columns + [
      .intArray(users.map(\.version)),
      .textArray(users.map(\.state.name)),
      .textArray(users.map { $0.state.invitee?.email }),
      .textArray(users.map { $0.state.invitee?.givenName }),
      .textArray(users.map { $0.state.invitee?.displayName }),
      .textArray(users.map { $0.state.invitee?.language }),
      .bytesArray(users.map { $0.nameKey?.bytes }),
      .bytesArray(users.map { $0.emailKey?.bytes }),
    ]
  }

  private static func columns(_ changes: [ChangeHeld]) -> [PostgresValue] {
    [
      .uuidArray(changes.map(\.workspace.uuid)), .uuidArray(changes.map(\.change.uuid)), .textArray(changes.map(\.kind.rawValue)),
      .uuidArray(changes.map(\.resource.uuid)), .textArray(changes.map(\.name)), .intArray(changes.map { Int64($0.leaving) }),
      .intArray(changes.map { Int64($0.members ?? -1) }), .timestampArray(changes.map(\.heldAt)),
    ]
  }

  private static func columns(_ alerts: [NewAlert]) throws -> [PostgresValue] {
    [
      .uuidArray(alerts.map(\.workspace.uuid)), .uuidArray(alerts.map(\.id.uuid)), .textArray(alerts.map(\.alert.kind.rawValue)),
      .textArray(try alerts.map { String(decoding: try $0.alert.details(), as: UTF8.self) }),
    ]
  }

  private static func columns(_ invitations: [NewInvitation], _ claims: Set<InvitationID>, at now: Date) -> [PostgresValue] {
    let plans = invitations.map(\.disposition.plan)
    let states: [String] = invitations.map { invitation in
      claims.contains(invitation.id) ? InvitationState.sending.rawValue : invitation.disposition.state.rawValue
    }
    let reasons: [String] = invitations.map { claims.contains($0.id) ? StateChange.claimed : $0.disposition.reason }
    return invitations.map(\.user).columns + [
      .uuidArray(invitations.map(\.id.uuid)),
      .intArray(invitations.map(\.version)),
      .textArray(states),
      .textArray(reasons),
      .textArray(invitations.map(\.traceparent)),
      .timestampArray(plans.map { $0.map { now.addingTimeInterval($0.delay) } }),
      .timestampArray(plans.map { $0?.lifetime.map { now.addingTimeInterval($0) } }),
      .boolArray(plans.map { $0?.isDigest ?? false }),
      .boolArray(invitations.map { $0.disposition != .unplanned }),
      .timestampArray(invitations.map(\.since)),
    ]
  }
}

extension UserRecord.State {
  fileprivate var name: String {
    switch self {
    case .invited: "invited"
    case .active: "active"
    case .disabled: "disabled"
    case .deleted: "deleted"
    }
  }

  fileprivate var invitee: Invitee? {
    if case .invited(let invitee) = self { invitee } else { nil }
  }
}

extension NewInvitation.Disposition {
  /// The state in which the invitation is stored.
  var state: InvitationState {
    switch self {
    case .scheduled, .unplanned: .scheduled
    case .failed: .failed
    case .revoked: .revoked
    case .expired: .expired
    }
  }

  /// The plan of an invitation that is to be sent.
  var plan: InvitationPlan? {
    if case .scheduled(let plan, _) = self { plan } else { nil }
  }

  /// Why the invitation is in this state.
  var reason: String {
    switch self {
    case .scheduled(_, let reason), .failed(let reason), .revoked(let reason), .expired(let reason): reason
    case .unplanned: "waiting for the workspace's policy"
    }
  }
}
