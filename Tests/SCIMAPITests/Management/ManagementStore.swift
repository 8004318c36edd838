import Credentials
import Foundation
import Models
import Postgres
import Primitives
import Synchronization

@testable import AdminConsole
@testable import EdgeHTTP
@testable import EdgeReads
@testable import ManagementAPI
@testable import ProductAPI
@testable import SCIMControllers
@testable import ScimAPI

/// A database that the management API reads, and executes the commands of workspaces and tokens in it. Repeated commands get the recorded
/// replies, as from identity-store.
final class ManagementStore: Sendable {
  let store: StoreBuilder
  private let replies = Mutex<[CommandID: Reply]>([:])
  /// The ids of the executed commands, without repetitions.
  let executed = Journal<CommandID>()
  /// The next commands that are refused, with this status each.
  let refusals = Mutex<[Int]>([])

  private init(store: StoreBuilder) { self.store = store }

  static func start() async throws -> ManagementStore { ManagementStore(store: try await StoreBuilder.start()) }

  /// An edge over the database. Its own workspace is that of the database, and has a token with the scope admin.
  func builder() -> (builder: EdgeBuilder, deploymentToken: String) {
    var builder = EdgeBuilder()
    let token = builder.addDeploymentToken()
    builder.scopes = [.admin]
    builder.database = store.database
    builder.otherWorkspaces = [NamedWorkspace(id: store.workspace, settings: store.settings.named("stored"), version: 1)]
    builder.answer = { [self] command in try await take(command) }
    return (builder, token)
  }

  private func take(_ command: Command) async throws -> Reply? {
    if let reply = replies.withLock({ $0[command.id] }) { return reply }
    let outcome = try await execute(command)
    let reply = Reply(command: command.id, outcome: outcome, requestDigest: command.requestDigest)
    replies.withLock { $0[command.id] = reply }
    return reply
  }

  private func execute(_ command: Command) async throws -> Reply.Outcome {
    let refusal = refusals.withLock { $0.isEmpty ? nil : $0.removeFirst() }
    if let refusal { return .refused(status: refusal, error: Array(#"{"detail":"refused in the test"}"#.utf8)) }
    executed.record(command.id)
    let workspace = PostgresValue.uuid(command.workspace.uuid)
    switch command.operation {
    case .createWorkspace(let settings):
      try await store.write(
        "insert into identity.workspaces values ($1, $2, $3, 1, now(), now())",
        [workspace, .text(settings.slug), .json(try JSONData.encode(settings))])
    case .updateWorkspace(let settings):
      let expected = (command.expectedVersions ?? []).map { Int($0) }
      let rows = try await store.owner.query(
        Statement(
          once: "update",
          """
          update identity.workspaces set settings = $2, slug = $3, version = version + 1
          where id = $1 and version = any ($4::text[]::int8[])
          returning 1
          """),
        [workspace, .json(try JSONData.encode(settings)), .text(settings.slug), .textArray(expected.map(String.init))])
      if rows.isEmpty { return .refused(status: 412, error: Array("{}".utf8)) }
    case .issueToken(let grant):
      try await insert(grant.token, grant.kind, grant.name, Array(grant.scopes), grant.digest, in: workspace)
    case .rotateToken(let rotation):
      try await insert(rotation.successor, .token, "successor", [.admin], rotation.digest, in: workspace)
      try await store.write(
        "update identity.tokens set predecessor_id = $2 where id = $1", [.uuid(rotation.successor.uuid), .uuid(rotation.token.uuid)])
    case .rotateSecret(let rotation):
      try await store.write(
        "update identity.tokens set digest = $2, former_until = $3 where id = $1",
        [
          .uuid(rotation.client.uuid), .bytes(Hex.decode(rotation.digest.utf8) ?? []),
          .optional(rotation.formerUntil, PostgresValue.timestamp),
        ])
    case .revokeToken(let revocation):
      try await store.write("update identity.tokens set revoked_at = now() where id = $1", [.uuid(revocation.token.uuid)])
    case .changeMailDomain(let change): try await apply(change)
    case .stageAccounts(let part):
      try await store.write(
        """
        insert into identity.account_imports (workspace_id, id, status, created_by, created_at)
        values ($1, $2, 'staging', 'test', now())
        on conflict do nothing
        """, [workspace, .uuid(part.importID.uuid)])
    case .startAccountImport(let start):
      try await store.write(
        "update identity.account_imports set status = 'waiting', started_at = now(), lines = $2 where id = $1",
        [.uuid(start.importID.uuid), .int(Int64(start.lines))])
    default: break
    }
    return .done
  }

  /// Changes a mail domain of the stored workspace, as identity-store does, without its checks.
  private func apply(_ change: MailDomainChange) async throws {
    let row = try await store.owner.query(
      Statement(once: "settings", "select settings::text from identity.workspaces where id = $1"), [.uuid(store.workspace.uuid)]
    ).first
    guard let row else { return }
    var settings: WorkspaceSettings = try JSONData.decode(from: row.bytes(0), type: "settings")
    let index = settings.mailDomains.firstIndex { $0.domain == change.domain }
    switch change.action {
    case .add:
      if index == nil {
        settings.mailDomains.append(MailDomain(domain: change.domain, verification: .dns(token: change.token ?? "")))
      }
    case .assert: settings.mailDomains.append(MailDomain(domain: change.domain, verification: .operator, verifiedAt: Date()))
    case .verify: if let index { settings.mailDomains[index].verifiedAt = Date() }
    case .remove: settings.mailDomains.removeAll { $0.domain == change.domain }
    }
    try await store.write(
      "update identity.workspaces set settings = $2 where id = $1",
      [.uuid(store.workspace.uuid), .json(try JSONData.encode(settings))])
  }

  private func insert(
    _ id: TokenID, _ kind: TokenKind, _ name: String, _ scopes: [TokenScope], _ digest: String, in workspace: PostgresValue
  ) async throws {
    try await store.write(
      """
      insert into identity.tokens (workspace_id, id, name, digest, scopes, created_by, created_at, kind)
      values ($1, $2, $3, $4, $5, 'test', now(), $6)
      """,
      [
        workspace, .uuid(id.uuid), .text(name), .bytes(Hex.decode(digest.utf8) ?? []), .textArray(scopes.map(\.rawValue)),
        .text(kind.rawValue),
      ])
  }
}

extension WorkspaceSettings {
  /// The same settings with another slug.
  func named(_ slug: String) -> WorkspaceSettings {
    var settings = self
    settings.slug = slug
    return settings
  }
}
