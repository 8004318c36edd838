import Credentials
import Crypto
import Foundation
import Kafka
import Logging
import Models
import NIOCore
import Postgres
import SCIM
import SCIMStorage
import Synchronization

@testable import AdminConsole
@testable import EdgeHTTP
@testable import EdgeReads
@testable import ManagementAPI
@testable import ProductAPI
@testable import SCIMControllers
@testable import ScimAPI

/// Builds a scim-api server over resources in memory, with an identity-store that replies what the test sets.
struct EdgeBuilder: Sendable {
  let workspace = WorkspaceID.made(at: Date())
  let token: AccessToken
  let tokenID = TokenID.made(at: Date())
  var settings = WorkspaceSettings(
    slug: "acme", name: "Acme", plan: .enterprise, samlSSO: true, scimEnabled: true, signInURL: "https://acme.example/sign-in")
  var scopes: Set<TokenScope> = [.scim, .signIns]
  var revokedAt: Date?
  let clientID = TokenID.made(at: Date())
  let clientSecret: ClientSecret
  /// The workspaces by custom domain.
  var domains: [String: WorkspaceID] = [:]
  var publicURL: String? = "https://app.example.com/"
  var trustedProxies: [AddressRange] = []
  /// The signing keys for access tokens; nil if OAuth is disabled.
  var signingKeys: [SigningKey]?
  /// The public keys of security event tokens.
  var securityEventKeys: [String] = []
  /// The commands that report token uses.
  let tokenUseCommands = Journal<Command>()
  var reads = StoredResources()
  var directory = StoredDirectory()
  var events: any EventReads = StoredEvents()
  var eventWaiters = EventWaiters(logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }) { _, _ in EventEnds(position: 0) }
  var bodyLimit = 8 << 20
  var bodyMemory = BodyBudget.Limits()
  /// Tokens of other workspaces that are valid as well.
  var others: [AccessToken: TokenRecord] = [:]
  var cursorLifetime = 60
  var maximumInFlight = 100
  var rates = RateLimits.Rates()
  var certificate: Certificate?
  /// The commands of the edge, except token uses.
  let sentCommands = Journal<Command>()
  let signIns = Journal<SignIn>()
  var log = LogBuffer()
  let mailEvents = Journal<MailEvent>()
  /// The actors of the commands that report mail events.
  let mailReporters = Journal<Command.Actor>()
  /// The sessions of the console; nil without a console.
  var consoleStore: ConsoleStore?
  var proxyHeaders: ProxyHeaders?
  /// Reads the user of a sign-in.
  var signedInUser: SignedInUser.Read = { _, _ in nil }
  /// The workspaces that requests with deployment-wide tokens can name, besides ``workspace``.
  var otherWorkspaces: [NamedWorkspace] = []
  /// The TXT records of a name.
  var txtRecords: TXTRecords = { _ in [] }
  /// The database of the management API; nil for one that does not respond.
  var database: Database?
  /// Encrypts the secrets of webhooks; nil if webhooks are not configured.
  var webhookSeal = WebhookSeal(secret: "the secret of the tests' webhooks")
  /// Replies to commands, with the digests of requests; nil to reply with ``reply``.
  var answer: (@Sendable (Command) async throws -> Reply?)?
  /// The reply of identity-store; nil for no reply.
  var reply: @Sendable (Command) async throws -> Reply.Outcome? = { _ in .done }
  var recorded: @Sendable (CommandID) async throws -> Reply.Outcome? = { _ in nil }

  init() {
    token = .made(for: workspace)
    clientSecret = .made(for: workspace)
  }

  static let seal = KeySeal(secret: "the secret of the tests' edges")!

  var sites: Sites {
    Sites(
      publicURL: publicURL, origins: OriginRule(trustedProxies: trustedProxies),
      domains: DomainCache { [domains] known in known == 1 ? nil : DomainCache.Domains(version: 1, workspaces: domains) })
  }

  var tokens: TokenCache {
    TokenCache { [self] workspace, digest in
      if let other = others.values.first(where: { $0.workspace == workspace && $0.digest == digest }) { return other }
      guard workspace == self.workspace, digest == Array(SHA256.hash(data: Data(token.text.utf8))) else { return nil }
      return record
    } clientLookup: { [self] workspace, id in
      workspace == self.workspace && id == clientID ? client : nil
    }
  }

  var uses: TokenUseLog {
    TokenUseLog(
      interval: .seconds(60), source: "scim-api/0", producer: RecordingProducer(commands: tokenUseCommands),
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
  }

  var cursors: CursorSeal { CursorSeal(secret: "a test's", lifetime: cursorLifetime) }

  var commands: CommandClient {
    CommandClient(
      CommandClient.Timeouts(start: 5, bulkStart: 10, execution: 1),
      exchange: { [sentCommands, answer, reply] command, _ in
        sentCommands.record(command)
        if let answer { return try await answer(command) }
        return try await reply(command).map { Reply(command: command.id, outcome: $0) }
      },
      recordedReplies: { [recorded] ids, _ in
        var replies: [CommandID: Reply] = [:]
        for id in ids { replies[id] = try await recorded(id).map { Reply(command: id, outcome: $0) } }
        return replies
      })
  }

  var edge: Edge {
    let (sites, tokens, limits, commands, cursors) = (sites, tokens, RateLimits(rates), commands, cursors)
    let keys = signingKeys.map { keys in
      SigningKeyCache(seal: Self.seal, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }) { keys }
    }
    let bodies = BodyReader(maximum: bodyLimit, budget: BodyBudget(bodyMemory))
    let producer = RecordingProducer(signIns: signIns, mailEvents: mailEvents, mailReporters: mailReporters)
    var directory = directory
    if !securityEventKeys.isEmpty { directory.keys = securityEventKeys }
    var edge = Edge(
      authenticator: Authenticator(tokens: tokens, oauth: keys.map { AccessTokenVerifier(keys: $0) }), sites: sites, limits: limits,
      activeWorkspaces: ActiveWorkspaces(), uses: uses, bodies: bodies, log: log,
      scim: SCIMRoutes(
        reads: reads, commands: commands, bodies: bodies, cursors: cursors,
        writesInFlight: ConcurrencyLimit(
          ConcurrencyLimit.Limits(all: maximumInFlight, perWorkspace: max(1, maximumInFlight), perToken: max(1, maximumInFlight))),
        bulksInFlight: ConcurrencyLimit(ConcurrencyLimit.Limits(all: 4, perWorkspace: 4, perToken: 2), what: "bulk requests"),
        listLimiter: WorkspaceConcurrencyLimiter(maximumPerWorkspace: 4),
        writeLimiter: WorkspaceConcurrencyLimiter("writes", maximumPerWorkspace: max(1, maximumInFlight))),
      signIns: SignInController(
        bodies: bodies, producer: producer, commands: commands,
        inFlight: ConcurrencyLimit(
          ConcurrencyLimit.Limits(all: maximumInFlight, perWorkspace: max(1, maximumInFlight), perToken: max(1, maximumInFlight)),
          what: "sign-ins that wait for an outcome"),
        workspaces: workspaces, user: signedInUser, source: "scim-api/0", timeout: .seconds(600)),
      mailEvents: MailEventController(bodies: bodies, producer: producer, source: "scim-api/0", timeout: .seconds(600)),
      directory: DirectoryController(reads: directory, cursors: cursors),
      events: EventsController(
        reads: events, waiters: eventWaiters,
        waiting: ConcurrencyLimit(ConcurrencyLimit.Limits(all: 4, perWorkspace: 4, perToken: 1), what: "requests that wait for events"),
        snapshots: ConcurrencyLimit(ConcurrencyLimit.Limits(all: 4, perWorkspace: 4, perToken: 1), what: "snapshots"),
        workspaces: workspaces),
      oauth: OAuthController(
        tokens: TokenEndpoint(sites: sites, tokens: tokens, limits: limits, keys: keys, lifetime: 600), directory: directory),
      workspaces: workspaces,
      management: Management(
        Management.Dependencies(
          database: database ?? Self.silentDatabase, commands: commands, cursors: cursors, bodies: bodies, hasOAuth: true,
          webhookSeal: webhookSeal, txtRecords: txtRecords)))
    if let dependencies = consoleDependencies(commands, sites, tokens, limits, EntryReplays(responder: edge.replayResponder())) {
      edge.console = try! Console(dependencies)
    }
    return edge
  }

  var workspaces: NamedWorkspaceCache {
    let known = otherWorkspaces + [NamedWorkspace(id: workspace, settings: settings, version: 3)]
    return NamedWorkspaceCache { id in
      known.first { $0.id == id }
    } find: { slug in
      known.first { $0.settings.slug == slug }?.id
    }
  }

  /// Adds a deployment-wide token, and returns its text.
  mutating func addDeploymentToken(
    _ scopes: Set<TokenScope> = TokenScope.deploymentWide, id: TokenID = .made(at: Date()), revokedAt: Date? = nil
  ) -> String {
    let token = AccessToken.made(for: .deployment)
    others[token] = TokenRecord(
      deploymentToken: id, name: "Product", digest: Array(SHA256.hash(data: Data(token.text.utf8))), scopes: scopes, revokedAt: revokedAt)
    return token.text
  }

  /// A database that does not respond.
  private static var silentDatabase: Database {
    Database(
      pool: PostgresPool(
        PostgresConfiguration(url: "postgres://nobody@127.0.0.1:1/none", applicationName: "test"),
        logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }), retryTimeout: .zero)
  }

  var record: TokenRecord {
    TokenRecord(
      token: tokenID, name: "Okta", digest: Array(SHA256.hash(data: Data(token.text.utf8))), scopes: scopes, expiresAt: nil,
      revokedAt: revokedAt, workspace: workspace, settings: settings, schemas: settings.schemas, settingsVersion: 3)
  }

  var client: TokenRecord {
    TokenRecord(
      token: clientID, kind: .client, name: "Entra", digest: Array(SHA256.hash(data: Data(clientSecret.text.utf8))), scopes: scopes,
      expiresAt: nil, revokedAt: revokedAt, workspace: workspace, settings: settings, schemas: settings.schemas)
  }

  /// A signing key that is valid from a day ago until tomorrow.
  static func signingKey(at now: Date = Date()) throws -> SigningKey {
    try SigningKey(
      id: .made(at: now),
      term: .init(createdAt: now - 86_400, signsAt: now - 86_400, retiresAt: now + 86_400, expiresAt: now + 2 * 86_400), seal: seal)
  }

  static func user(_ name: String, id: ResourceID = .made(at: Date()), version: Int64 = 1) -> StoredResource {
    StoredResource(
      id: id, version: version, modifiedAt: Date(timeIntervalSince1970: 1_767_225_600),
      document: Array(
        """
        {"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"id":"\(id)","userName":"\(name)","active":true,\
        "emails":[{"value":"\(name)","type":"work"}],"meta":{"resourceType":"User","created":"2026-01-01T00:00:00.000Z"
        """.utf8))
  }

  static func group(_ name: String, id: ResourceID = .made(at: Date()), version: Int64 = 1) -> StoredResource {
    StoredResource(
      id: id, version: version, modifiedAt: Date(timeIntervalSince1970: 1_767_225_600),
      document: Array(
        """
        {"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"id":"\(id)","displayName":"\(name)",\
        "meta":{"resourceType":"Group","created":"2026-01-01T00:00:00.000Z"
        """.utf8))
  }
}

/// A log of events, in order.
final class Journal<Entry: Sendable>: Sendable {
  private let stored = Mutex<[Entry]>([])

  var entries: [Entry] { stored.withLock { $0 } }

  func record(_ entry: Entry) {
    stored.withLock { $0.append(entry) }
  }
}

/// Records the messages that the edge sends to Kafka.
struct RecordingProducer: MessageProducer {
  var commands = Journal<Command>()
  var signIns = Journal<SignIn>()
  var mailEvents = Journal<MailEvent>()
  /// The actors of the commands that report mail events.
  var mailReporters = Journal<Command.Actor>()

  func send(contentsOf messages: [OutgoingMessage]) async throws {
    for message in messages {
      let event = try CloudEvent(headers: message.headers, data: message.value)
      switch message.topic {
      case Topic.signInEvents.name: signIns.record(try SignIn(event))
      case Topic.mailEvents.name: mailEvents.record(try MailEvent(event))
      default:
        let command = try Command(event)
        if case .reportMail = command.operation { mailReporters.record(command.actor) } else { commands.record(command) }
      }
    }
  }
}

/// A producer that passes the messages to a closure.
struct ClosureProducer: MessageProducer {
  let body: @Sendable ([OutgoingMessage]) async throws -> Void

  init(_ body: @escaping @Sendable ([OutgoingMessage]) async throws -> Void) {
    self.body = body
  }

  func send(contentsOf messages: [OutgoingMessage]) async throws { try await body(messages) }
}

/// Resources in memory, listed in the order in which they were given.
final class StoredResources: ResourceReads {
  /// A call of ``StoredResources``.
  struct Read: Sendable, Equatable {
    var isList = false
    var withRows: Bool
  }

  let recordedReads = Journal<Read>()
  private let users: [FoundResource]
  private let groups: [FoundResource]
  private let remains: DeletedResource?

  init(users: [FoundResource] = [], groups: [FoundResource] = [], remains: DeletedResource? = nil) {
    self.users = users
    self.groups = groups
    self.remains = remains
  }

  func resource(_ kind: ResourceKind, _ id: ResourceID, withRows: Bool, in workspace: WorkspaceID) async throws -> FoundResource? {
    recordedReads.record(Read(withRows: withRows))
    return stored(kind, withRows).first { $0.resource.id == id }
  }

  func list(_ query: ResourceQuery, in workspace: WorkspaceID) async throws -> FoundResources {
    var all: [ListedResource] = []
    for source in query.sources {
      recordedReads.record(Read(isList: true, withRows: source.withRows))
      for found in stored(source.kind, source.withRows) where try matches(source.filter, found.resource, source.kind, query.base) {
        all.append(ListedResource(kind: source.kind, found: found))
      }
    }
    switch query.part {
    case .page(let page): return FoundResources(total: all.count, resources: Array(all.dropFirst(page.offset).prefix(page.count)))
    case .from(let place, let count):
      var rest = place?.isForward == false ? all.reversed()[...] : all[...]
      if let place, let index = rest.firstIndex(where: { $0.found.resource.id == place.id }) { rest = rest[(index + 1)...] }
      return FoundResources(
        total: place == nil ? all.count : nil, read: Array(rest.prefix(count + 1)), from: place, count: count)
    }
  }

  private func matches(_ filter: TypedFilter?, _ resource: StoredResource, _ kind: ResourceKind, _ base: BaseURL) throws -> Bool {
    guard let filter else { return true }
    var buffer = ByteBuffer()
    ResourceWriter(kind: kind, base: base).write(FoundResource(resource: resource, rows: nil), into: &buffer)
    return filter.matches(try JSON(parsing: Array(buffer.readableBytesView)).object ?? JSONObject())
  }

  func parts(of kind: ResourceKind, _ id: ResourceID, in workspace: WorkspaceID) -> AsyncThrowingStream<ResourcePart, any Error> {
    AsyncThrowingStream { continuation in
      guard let found = (kind == .user ? users : groups).first(where: { $0.resource.id == id }) else {
        continuation.finish(throwing: ResourceGone())
        return
      }
      continuation.yield(.resource(found.resource))
      let rows = found.rows ?? []
      for start in stride(from: 0, to: rows.count, by: FoundResource.maximumRows) {
        continuation.yield(.rows(Array(rows[start..<min(start + FoundResource.maximumRows, rows.count)])))
      }
      continuation.finish()
    }
  }

  func remains(of kind: ResourceKind, _ id: ResourceID, in workspace: WorkspaceID) async throws -> DeletedResource? { remains }

  private func stored(_ kind: ResourceKind, _ withRows: Bool) -> [FoundResource] {
    (kind == .user ? users : groups).map { found in
      guard withRows else { return FoundResource(resource: found.resource, rows: nil) }
      let rows = found.rows ?? []
      return FoundResource(
        resource: found.resource, rows: Array(rows.prefix(FoundResource.maximumRows)), hasMoreRows: rows.count > FoundResource.maximumRows)
    }
  }
}
