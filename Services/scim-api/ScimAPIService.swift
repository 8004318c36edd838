import Credentials
import Kafka
import Migrations
import Models
import Postgres
import ServiceKit
import ServiceLifecycle

/// The HTTP edge: SCIM 2.0 and the intake of sign-ins.
package struct ScimAPIService {
  package static func main() async {
    await ServiceProcess.run(service: "scim-api", settings: CommonSettings.all + EdgeSettings.all, migrations: SchemaMigrations.identity) {
      runtime in
      let settings = runtime.settings
      let searchesPerWorkspace = try settings.integer(.maximumSearchesPerWorkspace)
      // When one workspace has all of its, there are as many for the others.
      let pool = try runtime.postgres(exclusiveConnections: 2 * searchesPerWorkspace, planning: .onceByIndex)
      try settings.checkSessionTimeout(against: .requestDeadline)
      try await runtime.ensureTopics()
      let producer = try Producer(runtime.kafka, logger: runtime.logger)
      let inFlight = ConcurrencyLimit(
        try ConcurrencyLimit.Limits(
          settings, all: .maximumInFlight, perWorkspace: .maximumInFlightPerWorkspace, perToken: .maximumInFlightPerToken))
      let requests = try RequestReply(
        runtime.kafka, producer: producer, replyTopic: .identityReplies, instance: runtime.replica,
        maximumPending: try settings.integer(.maximumInFlight), logger: runtime.logger)

      let listener = try ListenerConfiguration(settings, logger: runtime.logger)
      let database = Database(
        pool: pool, patience: try settings.duration(.readPatience),
        turns: WorkspaceConcurrencyLimiter(maximumPerWorkspace: searchesPerWorkspace))
      let deadline = try settings.duration(.requestDeadline)
      let sender = CommandSender(requests: requests, source: runtime.instance, logger: runtime.logger)
      let commands = CommandPath(
        deadline: deadline.inSeconds, bulkDeadline: try settings.duration(.bulkDeadline).inSeconds,
        storeBound: try settings.duration(.storeBound).inSeconds, ask: sender.ask,
        recorded: RecordedReplies(database: database).replies)
      let signIns = SignInSender(producer: producer, source: runtime.instance, patience: deadline)
      let log = LogBuffer(
        maximumEntries: try settings.integer(.logEntries), maximumBytes: try settings.integer(.logMemory), logger: runtime.logger)
      let lookup = TokenLookup(database: database)
      let tokens = TokenCache(lookup: lookup.token, clientLookup: lookup.client)
      let sites = Sites(
        publicURL: settings.optionalString(.publicURL),
        origins: OriginRule(trustedProxies: try settings.addressRanges(.trustedProxies), speaksTLS: listener.certificate != nil),
        domains: DomainCache(read: DomainLookup(database: database).domains))
      let keys = try settings.keySeal().map { seal in
        SigningKeyCache(seal: seal, logger: runtime.logger, read: SigningKeyLookup(database: database).keys)
      }
      let uses = TokenUseLog(
        interval: try settings.duration(.tokenUseInterval), source: runtime.instance, logger: runtime.logger
      ) { command in
        try await producer.send(
          OutgoingMessage(
            try command.cloudEvent(source: runtime.instance), topic: .identityCommands, key: command.resource.description))
      }
      let limits = RateLimits(try RateLimits.Rates(settings))
      let directory = DatabaseDirectory(database: database)
      let cursors = CursorSeal(
        secret: settings.optionalString(.cursorKey), lifetime: Int(try settings.duration(.cursorLifetime).inSeconds))
      let neighbours = ActiveWorkspaces()
      let bodies = BodyBudget(try BodyBudget.Limits(settings))
      var edge = Edge(
        credentials: Authenticator(tokens: tokens, oauth: keys.map { AccessTokenVerifier(keys: $0) }), sites: sites, limits: limits,
        neighbours: neighbours, uses: uses,
        oauth: OAuthEndpoints(
          tokens: TokenEndpoint(
            sites: sites, tokens: tokens, limits: limits, keys: keys, lifetime: try settings.accessTokenLifetime(), bodies: bodies),
          securityEventKeys: SecurityEventKeys(read: directory.signingKeys)),
        reads: DatabaseReads(database: database), directory: directory, commands: commands,
        inFlight: inFlight,
        bulksInFlight: ConcurrencyLimit(
          try ConcurrencyLimit.Limits(
            settings, all: .maximumBulks, perWorkspace: .maximumBulksPerWorkspace, perToken: .maximumBulksPerToken),
          what: "bulk requests"), sendSignIn: signIns.send,
        sendMailEvent: MailEventSender(producer: producer, source: runtime.instance, patience: deadline).send,
        bodies: BodyReader(maximum: try settings.integer(.bodyLimit), budget: bodies),
        cursors: cursors, log: log,
        listTurns: WorkspaceConcurrencyLimiter(
          maximumPerWorkspace: 4, besideOthers: try settings.integer(.listsBesideOthers), neighbours: neighbours,
          pace: try .besideOthers(settings, .listRateBesideOthers), maximumWaiting: 500),
        writeTurns: WorkspaceConcurrencyLimiter(
          "writes", maximumPerWorkspace: try settings.integer(.maximumInFlightPerWorkspace),
          besideOthers: try settings.integer(.writesBesideOthers), neighbours: neighbours,
          pace: try .besideOthers(settings, .writeRateBesideOthers),
          // As many as may be in flight.
          maximumWaiting: try settings.integer(.maximumInFlightPerWorkspace)))
      if try settings.bool(.console) {
        edge.console = try Console(
          Console.Dependencies(
            sessions: ConsoleSessions(
              cache: SessionCache(database), commands: commands, sites: sites, limits: limits, proxy: try settings.proxyHeaders()),
            tokens: tokens, uses: uses, sites: sites, limits: limits, database: database, commands: commands, cursors: cursors,
            replays: edge.replays, hasOAuth: keys != nil, bodies: bodies))
      }
      let shipping = LogShipping(buffer: log, source: runtime.instance) { [producer] in try await producer.send(contentsOf: $0) }
      let server = EdgeServer(
        responder: edge.responder(), configuration: listener, logger: runtime.logger, countMalformed: edge.countMalformed)
      // Shut down in the opposite order: requests in flight are finished while what they need still works.
      return [pool, producer, requests, uses, shipping, server]
    }
  }
}

extension Duration {
  /// The time in seconds.
  var inSeconds: Double { self / .seconds(1) }
}
