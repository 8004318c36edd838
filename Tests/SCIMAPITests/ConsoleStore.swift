import Credentials
import Foundation
import Logging
import Models
import Postgres
import Primitives
import SCIMStorage
import Synchronization

@testable import AdminConsole
@testable import EdgeHTTP
@testable import EdgeReads
@testable import ProductAPI
@testable import SCIMControllers
@testable import ScimAPI

/// An in-memory identity-store for sessions and links, which executes commands.
final class ConsoleStore: Sendable {
  private struct State {
    var sessions: [TokenID: SessionRecord] = [:]
    var links: [TokenID: TokenRecord] = [:]
    /// The token that opens sessions, and the time of its revocation.
    var revoked: [TokenID: Date] = [:]
  }

  private let state = Mutex(State())
  let workspace: WorkspaceID
  let settings: WorkspaceSettings

  init(workspace: WorkspaceID, settings: WorkspaceSettings) {
    self.workspace = workspace
    self.settings = settings
  }

  var sessions: [SessionRecord] { state.withLock { Array($0.sessions.values) } }

  func change(_ id: TokenID, _ change: (inout SessionRecord) -> Void) {
    state.withLock { state in
      if var session = state.sessions[id] {
        change(&session)
        state.sessions[id] = session
      }
    }
  }

  func revoke(_ token: TokenID) { state.withLock { $0.revoked[token] = Date() } }

  /// A link that opens one session.
  func link(until end: Date = Date() + 600) -> LinkKey {
    let key = LinkKey.made(for: workspace)
    let id = TokenID.made(at: Date())
    state.withLock { $0.links[id] = record(id, .link, "Ana", SecretDigest.hex(of: key.text), until: end) }
    return key
  }

  func take(_ command: Command) -> Reply.Outcome {
    state.withLock { state in
      switch command.operation {
      case .issueToken(let grant) where grant.kind == .session:
        if let link = grant.openedWith, state.links[link] != nil {
          guard state.links[link]?.revokedAt == nil else { return .refused(status: 403, error: Array(#"{"detail":"used already"}"#.utf8)) }
          state.links[link]?.revokedAt = Date()
        }
        state.sessions[grant.token] = SessionRecord(
          token: record(grant.token, .session, grant.name, grant.digest, until: grant.expiresAt ?? .distantPast), startedAt: Date(),
          opener: grant.openedWith.map {
            SessionRecord.Opener(id: $0, kind: state.links[$0] == nil ? .token : .link, scopes: [.admin], expiresAt: nil, revokedAt: nil)
          })
      case .rotateSecret(let rotation):
        guard let session = state.sessions[rotation.client], Hex.encode(session.token.digest) == rotation.present else {
          return .refused(status: 409, error: [])
        }
        state.sessions[rotation.client]?.token.former = rotation.formerUntil.map { .init(digest: session.token.digest, until: $0) }
        state.sessions[rotation.client]?.token.digest = Hex.decode(rotation.digest.utf8) ?? []
      case .revokeToken(let revocation): state.sessions[revocation.token]?.token.revokedAt = Date()
      default: break
      }
      return .done
    }
  }

  var directory: SessionCache {
    SessionCache { [self] workspace, id in
      guard workspace == self.workspace else { return nil }
      return state.withLock { state in
        var session = state.sessions[id]
        if let opener = session?.opener?.id, let at = state.revoked[opener] { session?.opener?.revokedAt = at }
        return session
      }
    } links: { [self] workspace, digest in
      workspace == self.workspace ? state.withLock { $0.links.values.first { $0.digest == digest } } : nil
    } slugs: { [self] slug in
      slug == settings.slug ? workspace : nil
    } settings: { [self] workspace in
      workspace == self.workspace ? settings : nil
    }
  }

  private func record(_ id: TokenID, _ kind: TokenKind, _ name: String, _ digest: String, until end: Date) -> TokenRecord {
    TokenRecord(
      token: id, kind: kind, name: name, digest: Hex.decode(digest.utf8) ?? [], scopes: [.admin], expiresAt: end, workspace: workspace,
      settings: settings, schemas: settings.schemas)
  }
}

extension EdgeBuilder {
  /// The dependencies of a console over `store`.
  func consoleDependencies(_ commands: CommandClient, _ sites: Sites, _ tokens: TokenCache, _ limits: RateLimits, _ replays: EntryReplays)
    -> Console.Dependencies?
  {
    guard let consoleStore else { return nil }
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    let pool = PostgresPool(
      PostgresConfiguration(url: "postgres://nobody@127.0.0.1:1/none", applicationName: "test"), logger: logger)
    return Console.Dependencies(
      sessions: ConsoleSessions(
        cache: consoleStore.directory, commands: commands, sites: sites, limits: limits, proxy: proxyHeaders), tokens: tokens,
      uses: uses,
      sites: sites, limits: limits, database: Database(pool: pool, retryTimeout: .zero), commands: commands,
      cursors: CursorSeal(secret: nil, lifetime: 60), replays: replays, hasOAuth: true,
      webhookSeal: webhookSeal, txtRecords: txtRecords)
  }

  /// An edge with a console, and a token with the scope admin.
  static func withConsole(_ change: (inout EdgeBuilder) -> Void = { _ in }) -> (builder: EdgeBuilder, store: ConsoleStore) {
    var builder = EdgeBuilder()
    builder.scopes = [.admin]
    builder.publicURL = nil
    change(&builder)
    let store = ConsoleStore(workspace: builder.workspace, settings: builder.settings)
    builder.consoleStore = store
    builder.reply = { store.take($0) }
    return (builder, store)
  }
}

/// A browser for the console: stores cookies and does not follow redirects.
struct Browser {
  let client: HTTPClient
  var cookies: [String: String] = [:]
  var headers: [String: String] = [:]

  init(_ client: HTTPClient) { self.client = client }

  mutating func open(_ path: String) async throws -> Answer { try await send("GET", path, "") }

  /// Submits a form with the Origin header of the console.
  mutating func submit(_ path: String, _ fields: [String: String], headers: [String: String] = [:]) async throws -> Answer {
    let body = fields.map { name, value in
      "\(name)=\(value.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? "")"
    }.joined(separator: "&")
    let own = ["Content-Type": "application/x-www-form-urlencoded", "Origin": "http://127.0.0.1"].merging(headers) { $1 }
    return try await send("POST", path, body, headers: own)
  }

  mutating func signIn(next: String = "") async throws -> Answer {
    try await submit("/console/sign-in", ["token": client.token, "next": next])
  }

  private mutating func send(_ method: String, _ path: String, _ body: String, headers: [String: String] = [:]) async throws -> Answer {
    var all = self.headers.merging(headers) { $1 }
    if !cookies.isEmpty { all["Cookie"] = cookies.map { "\($0)=\($1)" }.joined(separator: "; ") }
    let answer = try await client.sendRaw(method, path, body, headers: all)
    for cookie in (answer.headers["set-cookie"] ?? "").split(separator: "\n") {
      let pair = cookie.prefix { $0 != ";" }.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      cookies[String(pair[0])] = cookie.contains("Max-Age=0") ? nil : String(pair[1])
    }
    return answer
  }

  /// The form token in a page.
  static func formToken(in page: String) -> String? {
    page.firstMatch(of: /name="formToken" value="([^"]*)"/).map { String($0.1) }
  }
}
