import Foundation
import Logging
import Migrations
import Models
import Postgres
import TestSupport
import Testing

@testable import AdminConsole
@testable import EdgeHTTP
@testable import EdgeReads
@testable import ProductAPI
@testable import SCIMControllers
@testable import ScimAPI

/// The console with a real database and a signed-in admin. The builder provides the replies of identity-store.
struct ConsoleBench: Sendable {
  /// The name of the database.
  let database: String
  let owner: PostgresPool
  let reader: PostgresPool
  /// The replica of the pages; nil for none.
  var replica: ReadReplica?
  var builder = EdgeBuilder()

  var workspace: WorkspaceID { builder.workspace }

  /// Creates a database with one workspace.
  ///
  /// - Parameters:
  ///   - server: the server of the database; by default, the shared one.
  ///   - change: changes the settings of the workspace.
  static func made(
    on server: PostgresServer? = nil, _ change: (inout WorkspaceSettings) -> Void = { _ in }
  ) async throws -> ConsoleBench {
    let server = if let server { server } else { try await PostgresServer.shared() }
    let name = try await server.createDatabase(migrations: SchemaMigrations.all)
    func pool(_ role: String) -> PostgresPool {
      PostgresPool(
        PostgresConfiguration(
          url: server.url(database: name, role: role), connections: 1, statementTimeout: PostgresServer.testTimeout,
          applicationName: "ConsoleBench", maximumWait: PostgresServer.testTimeout,
          planning: role == "scim_api" ? .onceByIndex : .adaptive),
        logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }
    var bench = ConsoleBench(database: name, owner: pool("postgres"), reader: pool("scim_api"))
    bench.builder.scopes = [.admin]
    bench.builder.publicURL = nil
    change(&bench.builder.settings)
    try await bench.insertWorkspace(bench.workspace, bench.builder.settings)
    return bench
  }

  func close() async {
    await owner.close()
    await reader.close()
  }

  func write(_ sql: String, _ parameters: [PostgresValue] = []) async throws {
    _ = try await owner.query(Statement(once: "test", sql), parameters)
  }

  func insertWorkspace(_ id: WorkspaceID, _ settings: WorkspaceSettings) async throws {
    try await write(
      "insert into identity.workspaces values ($1, $2, $3, 1, now(), now())",
      [.uuid(id.uuid), .text(settings.slug), .json(try JSONData.encode(settings))])
  }

  /// Inserts a group and its members with the given states; nil for a member whose own data has not arrived.
  func insertGroup(_ name: String, _ states: [UserState?] = [], in workspace: WorkspaceID? = nil) async throws -> (GroupID, [UserID]) {
    let workspace = (workspace ?? self.workspace).uuid
    let (group, people) = (GroupID.made(at: Date()), states.map { _ in UserID.made(at: Date()) }.sorted())
    try await write(
      """
      insert into identity.groups
      (workspace_id, id, display_name, display_name_key, external_id, version, created_at, modified_at, document)
      values ($1, $2, $3, identity_read.fold($3), 'ext', 1, now(), now(), '{}')
      """, [.uuid(workspace), .uuid(group.uuid), .text(name)])
    try await write(
      "insert into directory.groups (workspace_id, id, display_name, version, part, complete) values ($1, $2, $3, 1, 0, true)",
      [.uuid(workspace), .uuid(group.uuid), .text(name)])
    for (person, state) in zip(people, states) {
      if let state {
        try await write(
          """
          insert into directory.members (workspace_id, id, state, email, display_name, role, version)
          values ($1, $2, $3, $4, null, 'viewer', 1)
          """, [.uuid(workspace), .uuid(person.uuid), .text(state.rawValue), .text("\(person)@example.com")])
      }
      try await write("insert into directory.memberships values ($1, $2, $3)", [.uuid(workspace), .uuid(group.uuid), .uuid(person.uuid)])
    }
    return (group, people)
  }

  /// Inserts many groups, one of them with many members. Every hundredth member is pending and every ten-thousandth held.
  func insertCrowd(groups: Int, members: Int) async throws -> GroupID {
    let group = GroupID.made(at: Date())
    try await write(
      """
      insert into identity.groups
      (workspace_id, id, display_name, display_name_key, external_id, version, created_at, modified_at, document)
      select
        $1, case n when 0 then $2 else ('0192f7a0-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid end, 'Team ' || n, 'team ' || n, null, 1,
        now(), now(), '{}'
      from generate_series(0, $3::int8 - 1) n
      """, [.uuid(workspace.uuid), .uuid(group.uuid), .int(Int64(groups))])
    try await write(
      """
      insert into directory.groups (workspace_id, id, display_name, version, part, complete)
      select workspace_id, id, display_name, 1, 0, true from identity.groups where workspace_id = $1
      """, [.uuid(workspace.uuid)])
    try await write(
      """
      insert into directory.members (workspace_id, id, state, email, display_name, role, version)
      select
        $1, ('0192f7a0-0000-7000-9000-' || lpad(n::text, 12, '0'))::uuid,
        case when n % 10000 = 9999 then 'disabled' when n % 100 = 99 then 'invited' else 'active' end, 'person-' || n || '@example.com',
        'Person ' || n, 'viewer', 1
      from generate_series(0, $2::int8 - 1) n
      """, [.uuid(workspace.uuid), .int(Int64(members))])
    try await write(
      "insert into directory.memberships (workspace_id, group_id, member_id) select $1, $2, id from directory.members where workspace_id = $1",
      [.uuid(workspace.uuid), .uuid(group.uuid)])
    // Each person is also a member of another group.
    try await write(
      """
      insert into directory.memberships (workspace_id, group_id, member_id)
      select $1, ('0192f7a0-0000-7000-8000-' || lpad((1 + n % ($2::int8 - 1))::text, 12, '0'))::uuid, id
      from (select id, row_number() over (order by id) as n from directory.members where workspace_id = $1) m
      """, [.uuid(workspace.uuid), .int(Int64(groups))])
    return group
  }

  /// The commands that were sent, except those that open sessions.
  var commands: [Command] {
    builder.sentCommands.entries.filter { command in
      if case .issueToken = command.operation { false } else { true }
    }
  }

  /// Serves the console while `body` runs.
  func serving(_ body: @Sendable (ConsoleClient) async throws -> Void) async throws {
    var builder = builder
    let (store, reply) = (ConsoleStore(workspace: builder.workspace, settings: builder.settings), builder.reply)
    builder.consoleStore = store
    builder.reply = { command in
      switch command.operation {
      case .issueToken, .rotateSecret, .revokeToken: store.take(command)
      default: try await reply(command)
      }
    }
    var edge = builder.edge
    var dependencies = try #require(
      builder.consoleDependencies(
        builder.commands, builder.sites, builder.tokens, RateLimits(), EntryReplays(responder: edge.replayResponder())))
    dependencies.database = Database(pool: reader, retryTimeout: .seconds(5)).reading(from: replica)
    dependencies.cursors = builder.cursors
    edge.console = try Console(dependencies)
    try await serveEdge(edge, token: builder.token.text) { client, _ in
      try await body(ConsoleClient(signedInOver: client))
    }
  }
}

/// A client that is signed in to the console.
struct ConsoleClient: Sendable {
  private let http: HTTPClient
  private let cookies: String

  init(signedInOver http: HTTPClient) async throws {
    var browser = Browser(http)
    let answer = try await browser.signIn()
    try #require(answer.status == 303, "\(answer)")
    self.http = http
    cookies = browser.cookies.map { "\($0)=\($1)" }.joined(separator: "; ")
  }

  /// - Parameter cookie: another cookie, `name=value`.
  func get(_ path: String, cookie: String? = nil) async throws -> Answer {
    try await http.sendRaw("GET", path, "", headers: ["Cookie": cookies + (cookie.map { "; \($0)" } ?? "")])
  }

  /// Submits a form of `page`, with its hidden fields.
  func post(_ path: String, of page: Answer, _ values: [String: String]) async throws -> Answer {
    var sent = values
    for name in [ConsoleLayout.formToken, "version"] where sent[name] == nil { sent[name] = page.hidden(name) }
    let body = sent.map { "\($0)=\(ConsoleText.percentEncoded($1))" }.joined(separator: "&")
    return try await http.sendRaw(
      "POST", path, body,
      headers: ["Cookie": cookies, "Origin": "http://127.0.0.1", "Content-Type": "application/x-www-form-urlencoded"])
  }
}

extension Answer {
  /// The value of a hidden field.
  func hidden(_ name: String) -> String? {
    guard let start = text.range(of: "name=\"\(name)\" value=\"")?.upperBound else { return nil }
    return String(text[start...].prefix { $0 != "\"" })
  }
}
