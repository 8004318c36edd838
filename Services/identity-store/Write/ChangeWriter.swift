import Foundation
import Kafka
import Models
import Outbox
import Postgres

/// Writes the changes of a batch: set-based statements, sent in one pipeline with the commit.
struct ChangeWriter: Sendable {
  let nameHash: NameHash
  /// The source of the events, such as `identity-store/0`.
  let source: String

  static let outbox = Outbox(table: "identity.outbox")

  /// What a batch writes.
  struct Writes {
    /// The statements; empty if nothing was decided.
    var steps: [(Statement, [PostgresValue])] = []
    /// The messages that the statement at `outboxPosition` stores.
    var messages: [OutgoingMessage] = []
    var outboxPosition: Int?

    /// The stored messages, from the rows that the statements returned.
    ///
    /// - Throws: `PostgresDecodingError`.
    func storedMessages(_ rows: [Rows]) throws -> [StoredMessage] {
      guard let outboxPosition else { return [] }
      return try Outbox.stored(messages, rows[outboxPosition])
    }
  }

  /// The statements that write the decisions. The last one records the replies, and fails if the transaction has exceeded `timeLimit`; see
  /// ``WriteStatements/isTimeLimit(_:)``.
  ///
  /// - Throws: The error of `JSONEncoder`.
  func writes(for decider: Decider, within timeLimit: Duration) throws -> Writes {
    guard !decider.recorded.isEmpty else { return Writes() }
    let state = decider.state
    let changes = state.changes
    var writes = Writes()
    var steps: [(Statement, [PostgresValue])] = []
    func add(_ statement: Statement, when condition: Bool, _ parameters: @autoclosure () throws -> [PostgresValue]) rethrows {
      if condition { steps.append((statement, try parameters())) }
    }
    try add(
      WriteStatements.writeWorkspaces, when: !changes.writtenWorkspaces.isEmpty,
      workspaceColumns(changes.writtenWorkspaces.sorted().compactMap { state.workspaces[$0] }))
    steps += domainSteps(for: state) + mailDomainSteps(for: state)
    for token in changes.writtenTokens.sorted().compactMap({ state.tokens[$0] }) {
      steps.append((WriteStatements.writeToken, tokenParameters(token)))
    }
    steps += tokenUseSteps(for: changes)
    for (_, webhook) in changes.writtenWebhooks.sorted(by: { $0.key < $1.key }) { steps.append(Self.step(writing: webhook)) }
    // Delete first: another command of the batch may take over the name.
    add(WriteStatements.deleteUsers, when: !changes.deletedUsers.isEmpty, changes.deletedUsers.sorted().columns)
    add(WriteStatements.deleteGroups, when: !changes.deletedGroups.isEmpty, changes.deletedGroups.sorted().columns)
    add(
      WriteStatements.updateUsers, when: !changes.updatedUsers.isEmpty,
      userColumns(changes.updatedUsers.sorted().compactMap { state.users[$0] }, pushed: changes.pushes))
    add(
      WriteStatements.insertUsers, when: !changes.insertedUsers.isEmpty,
      userColumns(changes.insertedUsers.sorted().compactMap { state.users[$0] }, pushed: changes.pushes))
    add(
      WriteStatements.updateGroups, when: !changes.updatedGroups.isEmpty,
      groupColumns(changes.updatedGroups.sorted().compactMap { state.groups[$0] }, pushed: changes.pushes))
    add(
      WriteStatements.insertGroups, when: !changes.insertedGroups.isEmpty,
      groupColumns(changes.insertedGroups.sorted().compactMap { state.groups[$0] }, pushed: changes.pushes))
    let (added, removed) = membershipChanges(state)
    add(WriteStatements.deleteMemberships, when: !removed.isEmpty, removed.columns)
    add(WriteStatements.insertMemberships, when: !added.isEmpty, added.columns)
    add(
      WriteStatements.insertTombstones, when: !changes.insertedTombstones.isEmpty,
      tombstoneColumns(changes.insertedTombstones.sorted().compactMap { state.tombstones[$0] }))
    steps += pushSteps(for: state)
    steps += heldChangeSteps(changes, at: decider.now)
    steps += accountSteps(for: state, at: decider.now)
    steps += try workspaceImportSteps(changes, at: decider.now)
    add(WriteStatements.deleteEarlySignIns, when: !changes.consumedSignIns.isEmpty, changes.consumedSignIns.sorted().columns)
    add(
      WriteStatements.insertEarlySignIns, when: !changes.insertedSignIns.isEmpty,
      earlySignInColumns(changes.insertedSignIns.sorted().map { ($0, state.earlySignIns[$0] ?? decider.now) }))
    for (id, rebuild) in changes.rebuilds.sorted(by: { $0.key < $1.key }) {
      steps.append((RebuildStatements.request, RebuildStatements.parameters(of: rebuild, id: id, at: decider.now)))
    }
    for (user, actor) in changes.erasures.sorted(by: { $0.key < $1.key }) {
      steps.append((ErasureStatements.request, ErasureStatements.parameters(of: user, actor, at: decider.now)))
    }
    add(WriteStatements.insertAudit, when: !decider.audited.isEmpty, auditColumns(decider.audited))
    if !decider.events.isEmpty {
      writes.messages = try messages(decider.events, at: decider.now)
      writes.outboxPosition = steps.count
      steps.append(Self.outbox.insertion(of: writes.messages, from: decider.events.map(\.partition)))
    }
    steps.append((WriteStatements.insertReplies, replyColumns(decider.recorded) + [.double(timeLimit / .seconds(1))]))
    writes.steps = steps
    return writes
  }

  private func membershipChanges(_ state: WorkingSet) -> (added: [MembershipKey], removed: [MembershipKey]) {
    var added: [MembershipKey] = []
    var removed: [MembershipKey] = []
    for (group, members) in state.members.sorted(by: { $0.key < $1.key }) {
      added += members.additions.map { MembershipKey(group: group, user: $0) }
      removed += members.removals.map { MembershipKey(group: group, user: $0) }
    }
    return (added, removed)
  }

  private func workspaceColumns(_ workspaces: [WorkspaceRecord]) throws -> [PostgresValue] {
    [
      .uuidArray(workspaces.map(\.id.uuid)),
      .textArray(workspaces.map(\.settings.slug)),
      .textArray(try workspaces.map { String(decoding: try JSONData.encode($0.settings), as: UTF8.self) }),
      .intArray(workspaces.map(\.version)),
      .timestampArray(workspaces.map(\.createdAt)),
      .timestampArray(workspaces.map(\.modifiedAt)),
    ]
  }

  private func tokenParameters(_ token: TokenRecord) -> [PostgresValue] {
    [
      .uuid(token.key.workspace.uuid), .uuid(token.key.id.uuid), .text(token.name), .bytes(token.digest),
      .textArray(token.scopes.map(\.rawValue)), token.expiresAt.map(PostgresValue.timestamp) ?? .null, .text(token.createdBy),
      .timestamp(token.createdAt), .optional(token.revokedAt, PostgresValue.timestamp), .text(token.kind.rawValue),
      .optional(token.predecessor?.uuid, PostgresValue.uuid), .optional(token.former?.digest, PostgresValue.bytes),
      .optional(token.former?.until, PostgresValue.timestamp), .optional(token.openedWith?.uuid, PostgresValue.uuid),
    ]
  }

  private func domainSteps(for state: WorkingSet) -> [(Statement, [PostgresValue])] {
    let workspaces = state.changes.changedDomains.sorted()
    guard !workspaces.isEmpty else { return [] }
    let domains = workspaces.flatMap { workspace in
      (state.workspaces[workspace]?.settings.customDomains ?? []).map { NameKey(workspace: workspace, name: $0) }
    }
    return [
      (WriteStatements.deleteDomains, [.uuidArray(workspaces.map(\.uuid))] + domains.columns),
      (WriteStatements.insertDomains, domains.columns),
      (WriteStatements.countDomainChange, []),
    ]
  }

  private func tokenUseSteps(for changes: WorkingSet.Changes) -> [(Statement, [PostgresValue])] {
    guard !changes.tokenUses.isEmpty else { return [] }
    let uses = changes.tokenUses.sorted { $0.key < $1.key }.flatMap { day, byAddress in
      byAddress.sorted { $0.key < $1.key }.map { (day: day, address: $0.key, use: $0.value) }
    }
    let counted: [PostgresValue] = [
      .textArray(uses.map(\.day.day)), .textArray(uses.map(\.address)), .intArray(uses.map(\.use.count)),
      .timestampArray(uses.map(\.use.lastUsedAt)),
    ]
    return [
      (WriteStatements.countTokenUses, uses.map(\.day.token).columns + counted),
      (WriteStatements.deleteOldTokenUses, Set(uses.map(\.day.token)).sorted().columns),
    ]
  }

  /// - Parameter pushed: The users that an identity provider pushed. It need not push disabled users again, so their last push is not tracked.
  func userColumns(_ users: [UserRecord], pushed: Set<ResourceKey> = []) -> [PostgresValue] {
    let values: [PostgresValue] = [
      .textArray(users.map(\.userName)),
      .textArray(users.map(\.nameKey.name)),
      .bytesArray(users.map { nameHash($0.nameKey) }),
      .textArray(users.map(\.externalID)),
      .textArray(users.map(\.displayName)),
      .textArray(users.map(\.givenName)),
      .textArray(users.map(\.familyName)),
      .textArray(users.map(\.email)),
      .textArray(users.map(\.emailKey?.name)),
      .textArray(users.map(\.language)),
      .textArray(users.map(\.state.rawValue)),
      .textArray(users.map(\.role)),
      .timestampArray(users.map(\.firstSignedInAt)),
      .intArray(users.map(\.version)),
      .timestampArray(users.map(\.createdAt)),
      .timestampArray(users.map(\.modifiedAt)),
      .textArray(users.map { String(decoding: $0.document, as: UTF8.self) }),
      .textArray(users.map { $0.otherEmailKeys.isEmpty ? nil : PostgresValue.arrayLiteral($0.otherEmailKeys) }),
      .bytesArray(users.map { nameHash(formerNameOf: $0) }),
      .textArray(users.map(\.displayNameKey)),
      .textArray(users.map(\.listedNameKey)),
      .textArray(users.map(\.familyNameKey)),
      .boolArray(users.map { $0.state != .disabled && pushed.contains($0.key) }),
      .textArray(users.map(\.accountID)),
    ]
    return users.map(\.key).columns + values
  }

  private static let noNamesake = UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))

  /// - Parameter pushed: The groups that an identity provider pushed.
  func groupColumns(_ groups: [GroupRecord], pushed: Set<ResourceKey> = []) -> [PostgresValue] {
    let values: [PostgresValue] = [
      .textArray(groups.map(\.displayName)),
      .textArray(groups.map(\.nameKey.name)),
      .textArray(groups.map(\.externalID)),
      .intArray(groups.map(\.version)),
      .timestampArray(groups.map(\.createdAt)),
      .timestampArray(groups.map(\.modifiedAt)),
      .textArray(groups.map { String(decoding: $0.document, as: UTF8.self) }),
      // Part of the unique index of names: the same value for all groups except those that may share a name.
      .uuidArray(groups.map { $0.mayShareName ? $0.key.id.uuid : Self.noNamesake }),
      .boolArray(groups.map { pushed.contains($0.key) }),
    ]
    return groups.map(\.key).columns + values
  }

  private func tombstoneColumns(_ tombstones: [Tombstone]) -> [PostgresValue] {
    let values: [PostgresValue] = [
      .textArray(tombstones.map(\.type.rawValue)), .bytesArray(tombstones.map(\.userNameHash)),
      .timestampArray(tombstones.map(\.deletedAt)), .intArray(tombstones.map { $0.version ?? Restatement.lastVersion }),
      .text(nameHash.keyID),
    ]
    return tombstones.map(\.key).columns + values
  }

  private func earlySignInColumns(_ signIns: [(key: NameKey, time: Date)]) -> [PostgresValue] {
    signIns.map(\.key).columns + [.timestampArray(signIns.map(\.time))]
  }

  private func replyColumns(_ replies: [Decider.RecordedReply]) -> [PostgresValue] {
    let encoded = replies.map { $0.reply.recorded() }
    return [
      .uuidArray(replies.map(\.workspace.uuid)),
      .uuidArray(replies.map(\.reply.command.uuid)),
      .textArray(encoded.map { PostgresValue.arrayLiteral($0.attributes.pairs) }),
      .bytesArray(encoded.map(\.data)),
    ]
  }

  /// Removes U+0000, which PostgreSQL cannot store in text.
  private func auditColumns(_ records: [AuditRecord]) -> [PostgresValue] {
    func text(_ value: String) -> String { value.utf8.contains(0) ? value.replacing("\0", with: "") : value }
    return [
      .uuidArray(records.map(\.workspace.uuid)), .uuidArray(records.map(\.command.uuid)), .timestampArray(records.map(\.at)),
      .textArray(records.map { text($0.actor) }), .textArray(records.map(\.action)), .textArray(records.map { text($0.target) }),
      .textArray(records.map(\.summary)), .textArray(records.map { $0.status.map(String.init) }),
      .textArray(records.map { $0.detail.map(text) }),
    ]
  }

  private func messages(_ events: [Decider.DecidedEvent], at time: Date) throws -> [OutgoingMessage] {
    try events.map { decided in
      let event = try decided.event.cloudEvent(
        id: decided.event.identity, source: source, time: time, traceparent: decided.traceparent)
      return OutgoingMessage(event, topic: .identityEvents, key: decided.event.workspace.description)
    }
  }
}
