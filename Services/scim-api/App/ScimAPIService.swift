import AdminConsole
import Credentials
import DNS
import EdgeHTTP
import EdgeReads
import Kafka
import ManagementAPI
import Migrations
import Models
import Postgres
import ProductAPI
import SCIMControllers
import ServiceKit
import ServiceLifecycle

/// The HTTP edge: SCIM 2.0, the product API, the management API and the admin console.
package struct ScimAPIService {
  /// Runs the service until shutdown.
  package static func main() async {
    await ServiceProcess.run(service: "scim-api", settings: CommonSettings.all + EdgeSettings.all, migrations: SchemaMigrations.all) {
      runtime in
      try await services(runtime)
    }
  }

  /// The services of the process. They shut down in reverse order, so requests in flight finish before their dependencies stop.
  private static func services(_ runtime: ServiceRuntime) async throws -> [any Service] {
    let (settings, source) = (runtime.settings, runtime.instance)
    let searchesPerWorkspace = try settings.integer(.maximumSearchesPerWorkspace)
    // Twice as many connections, so that a workspace at its limit leaves as many to the others.
    let searchConnections = 2 * searchesPerWorkspace
    let pool = try runtime.postgres(
      exclusiveConnections: searchConnections + (try settings.integer(.maximumSnapshots)), planning: .onceByIndex)
    let replica = try ReadReplica(runtime, primary: pool, searchConnections: searchConnections)
    try settings.checkSessionTimeout(against: .requestDeadline)
    try await runtime.ensureTopics()
    let producer = try Producer(runtime.kafka, logger: runtime.logger)
    let requests = try RequestReply(
      runtime.kafka, producer: producer, replyTopic: .identityReplies, instance: runtime.distribution,
      maximumPending: try settings.integer(.maximumInFlight), logger: runtime.logger)
    let database = Database(
      pool: pool, retryTimeout: try settings.duration(.readRetryTime),
      searchLimiter: WorkspaceConcurrencyLimiter(maximumPerWorkspace: searchesPerWorkspace))
    let workspaces = NamedWorkspaceCache(database)
    let events = try EventsAPI(runtime, database, workspaces)
    let uses = TokenUseLog(
      interval: try settings.duration(.tokenUseInterval), source: source, producer: producer, logger: runtime.logger)
    let log = LogBuffer(
      maximumEntries: try settings.integer(.logEntries), maximumBytes: try settings.integer(.logMemory), logger: runtime.logger)
    let listener = try ListenerConfiguration(settings, logger: runtime.logger)
    let limits = RateLimits(try RateLimits.Rates(settings))
    let edge = try edge(
      runtime, database, replica, workspaces, events.controller, producer, requests, uses, log, limits,
      speaksTLS: listener.certificate != nil)
    let server = EdgeServer(
      responder: edge.responder(), configuration: listener, logger: runtime.logger, countMalformed: edge.countMalformed)
    var services: [any Service] = [pool]
    if let feed = events.feed { services.append(feed) }
    if let replica { services += [replica.pool, replica] }
    services += [producer, requests, uses]
    if let interval = try settings.shareInterval() {
      services.append(
        UsageSharing(
          limits, interval: interval, source: source, configuration: runtime.kafka, producer: producer, logger: runtime.logger))
    }
    return services + [LogShipping(buffer: log, source: source, producer: producer), server, events.waiters]
  }

  /// Looks up the records that verify mail domains.
  private static func txtRecords(_ settings: ServiceSettings) throws -> TXTRecords {
    do {
      let resolver = try TXTResolver(servers: settings.optionalString(.dnsServers), timeout: try settings.duration(.dnsTimeout))
      return { try await resolver.records(of: $0) }
    } catch let error as DNSError {
      throw SettingsError(["\(Setting.dnsServers.environmentName): \(error)"])
    }
  }

  private static func edge(
    _ runtime: ServiceRuntime, _ database: Database, _ replica: ReadReplica?, _ workspaces: NamedWorkspaceCache, _ events: EventsController,
    _ producer: Producer, _ requests: RequestReply, _ uses: TokenUseLog, _ log: LogBuffer, _ limits: RateLimits, speaksTLS: Bool
  ) throws -> Edge {
    let (settings, source) = (runtime.settings, runtime.instance)
    let deadline = try settings.duration(.requestDeadline)
    let commands = CommandClient(
      CommandClient.Timeouts(
        start: deadline.inSeconds, bulkStart: try settings.duration(.bulkDeadline).inSeconds,
        execution: try settings.duration(.storeBound).inSeconds),
      requests: requests, database: database, source: source, logger: runtime.logger)
    let tokens = TokenCache(database)
    let sites = Sites(
      publicURL: settings.optionalString(.publicURL),
      origins: OriginRule(trustedProxies: try settings.addressRanges(.trustedProxies), speaksTLS: speaksTLS),
      domains: DomainCache(database))
    let keys = try settings.keySeal().map { SigningKeyCache(database, seal: $0, logger: runtime.logger) }
    let activeWorkspaces = ActiveWorkspaces()
    let cursors = CursorSeal(
      secret: settings.optionalString(.cursorKey), lifetime: Int(try settings.duration(.cursorLifetime).inSeconds))
    let bodies = BodyReader(maximum: try settings.integer(.bodyLimit), budget: BodyBudget(try BodyBudget.Limits(settings)))
    let directory = DatabaseDirectory(database: database)
    let (webhookSeal, txtRecords) = (try settings.webhookSeal(), try Self.txtRecords(settings))
    var edge = Edge(
      authenticator: Authenticator(tokens: tokens, oauth: keys.map { AccessTokenVerifier(keys: $0) }), sites: sites, limits: limits,
      activeWorkspaces: activeWorkspaces, uses: uses, bodies: bodies, log: log,
      scim: SCIMRoutes(
        reads: DatabaseReads(database: database), commands: commands, bodies: bodies, cursors: cursors,
        writesInFlight: ConcurrencyLimit(
          try ConcurrencyLimit.Limits(
            settings, all: .maximumInFlight, perWorkspace: .maximumInFlightPerWorkspace, perToken: .maximumInFlightPerToken)),
        bulksInFlight: ConcurrencyLimit(
          try ConcurrencyLimit.Limits(
            settings, all: .maximumBulks, perWorkspace: .maximumBulksPerWorkspace, perToken: .maximumBulksPerToken),
          what: "bulk requests"),
        listLimiter: try .lists(settings, activeWorkspaces), writeLimiter: try .writes(settings, activeWorkspaces)),
      signIns: SignInController(
        bodies: bodies, producer: producer, commands: commands,
        inFlight: ConcurrencyLimit(
          try ConcurrencyLimit.Limits(
            settings, all: .maximumInFlight, perWorkspace: .maximumInFlightPerWorkspace, perToken: .maximumInFlightPerToken),
          what: "sign-ins that wait for an outcome"),
        workspaces: workspaces, user: SignedInUser.read(from: database), source: source, timeout: deadline),
      mailEvents: MailEventController(bodies: bodies, producer: producer, source: source, timeout: deadline),
      directory: DirectoryController(reads: directory, cursors: cursors),
      events: events,
      oauth: OAuthController(
        tokens: TokenEndpoint(
          sites: sites, tokens: tokens, limits: limits, keys: keys, lifetime: try settings.accessTokenLifetime(), bodies: bodies.budget),
        directory: directory),
      workspaces: workspaces,
      management: Management(
        Management.Dependencies(
          database: database, commands: commands, cursors: cursors, bodies: bodies, hasOAuth: keys != nil,
          webhookSeal: webhookSeal, txtRecords: txtRecords)))
    guard try settings.bool(.console) else { return edge }
    edge.console = try Console(
      Console.Dependencies(
        sessions: ConsoleSessions(
          cache: SessionCache(database), commands: commands, sites: sites, limits: limits, proxy: try settings.proxyHeaders()),
        tokens: tokens, uses: uses, sites: sites, limits: limits, database: database.reading(from: replica), commands: commands,
        cursors: cursors, replays: EntryReplays(responder: edge.replayResponder()), hasOAuth: keys != nil, webhookSeal: webhookSeal,
        txtRecords: txtRecords, bodies: bodies.budget))
    return edge
  }
}
