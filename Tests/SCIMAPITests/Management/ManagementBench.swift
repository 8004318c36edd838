import Credentials
import Crypto
import Foundation
import Migrations
import Models
import Postgres
import SCIM
import TestSupport
import Testing

@testable import AdminConsole
@testable import EdgeHTTP
@testable import EdgeReads
@testable import ManagementAPI
@testable import ProductAPI
@testable import SCIMControllers
@testable import ScimAPI

/// The management API with a real database. The builder provides the replies of identity-store.
struct ManagementBench: Sendable {
  let store: StoreBuilder
  var builder: EdgeBuilder
  /// A token of the workspace with the scope admin.
  let token: String
  let tokenID: TokenID
  /// A deployment-wide token.
  let deploymentToken: String

  var workspace: WorkspaceID { store.workspace }

  /// Creates a database with one workspace.
  static func start() async throws -> ManagementBench {
    let store = try await StoreBuilder.start(migrations: SchemaMigrations.all, on: try await PostgresServer.shared())
    var builder = EdgeBuilder()
    builder.publicURL = nil
    builder.database = store.database
    builder.otherWorkspaces = [NamedWorkspace(id: store.workspace, settings: store.settings, version: 1)]
    let (token, id) = (AccessToken.made(for: store.workspace), TokenID.made(at: Date()))
    builder.others[token] = TokenRecord(
      token: id, name: "Admin", digest: Array(SHA256.hash(data: Data(token.text.utf8))), scopes: [.admin], workspace: store.workspace,
      settings: store.settings, schemas: store.settings.schemas, settingsVersion: 1)
    let deploymentToken = builder.addDeploymentToken()
    return ManagementBench(store: store, builder: builder, token: token.text, tokenID: id, deploymentToken: deploymentToken)
  }

  /// Serves the management API while `body` runs.
  ///
  /// - Parameters:
  ///   - token: by default, the token of the workspace.
  ///   - base: by default, the root of the workspace's paths.
  func serving(
    token: String? = nil, base: String? = nil, _ body: @Sendable (ManagementClient) async throws -> Void
  ) async throws {
    let base = base ?? "\(ResourcePath.admin)/workspaces/\(workspace)"
    try await SCIMAPITests.serving(builder, token: token ?? self.token) { client in
      try await body(ManagementClient(http: client, base: base))
    }
  }

  /// The commands that were sent.
  var operations: [Command.Operation] { builder.sentCommands.entries.map(\.operation) }
}

/// A client of the management API.
struct ManagementClient: Sendable {
  let http: HTTPClient
  let base: String

  func get(_ path: String, headers: [String: String] = [:]) async throws -> Answer {
    try await http.send("GET", path, headers: headers, base: base)
  }

  func send(_ method: String, _ path: String, _ body: String? = nil, headers: [String: String] = [:]) async throws -> Answer {
    try await http.send(
      method, path, body, headers: (body == nil ? [:] : ["Content-Type": "application/json"]).merging(headers) { $1 }, base: base)
  }

  func post(_ path: String, _ body: String? = nil, headers: [String: String] = [:]) async throws -> Answer {
    try await send("POST", path, body, headers: headers)
  }

  /// The items of all pages of a list.
  ///
  /// - Parameter name: the member of the responses with the items.
  func all(_ path: String, _ name: String, limit: Int) async throws -> [JSONObject] {
    var items: [JSONObject] = []
    var cursor: String?
    repeat {
      let answer = try await get("\(path)\(path.contains("?") ? "&" : "?")limit=\(limit)" + (cursor.map { "&cursor=\($0)" } ?? ""))
      try #require(answer.status == 200, "\(path): \(answer.text)")
      let page = answer.json[name]?.array?.compactMap(\.object) ?? []
      #expect(page.count <= limit)
      items += page
      cursor = answer.json["nextCursor"]?.string
    } while cursor != nil
    return items
  }
}

extension Answer {
  /// The items of a list.
  func items(_ name: String) -> [JSONObject] { json[name]?.array?.compactMap(\.object) ?? [] }

  /// The last part of the problem's type.
  var problem: String? { json["type"]?.string.map { $0.replacing("urn:rollcall:problem:", with: "") } }
}

extension [JSONObject] {
  /// The string members with a name.
  func texts(_ name: String) -> [String] { compactMap { $0[name]?.string } }
}
