import Kafka
import Models
import Postgres
import Schema
import ServiceKit
import ServiceLifecycle

/// The HTTP edge: SCIM 2.0 and the intake of sign-ins.
@main
struct ScimAPI {
  static func main() async {
    await ServiceProcess.run(service: "scim-api", settings: CommonSettings.all + EdgeSettings.all, migrations: Schema.identity) { runtime in
      let settings = runtime.settings
      let pool = try runtime.postgres(planning: .onceByIndex)
      try await runtime.ensureTopics([.identityCommands, .identityReplies, .signInEvents, .mailEvents])
      let producer = try Producer(runtime.kafka, logger: runtime.logger)
      let inFlight = InFlight(
        maximum: try settings.integer(.maximumInFlight), maximumPerToken: try settings.integer(.maximumInFlightPerToken))
      let requests = try RequestReply(
        runtime.kafka, producer: producer, replyTopic: .identityReplies, instance: runtime.replica,
        maximumPending: try settings.integer(.maximumInFlight), logger: runtime.logger)

      let database = Database(pool: pool, patience: try settings.duration(.readPatience))
      let deadline = try settings.duration(.requestDeadline)
      let sender = CommandSender(requests: requests, source: runtime.instance, logger: runtime.logger)
      let commands = CommandPath(
        deadline: deadline.inSeconds, bulkDeadline: try settings.duration(.bulkDeadline).inSeconds,
        storeBound: try settings.duration(.storeBound).inSeconds, ask: sender.ask,
        recorded: RecordedReplies(database: database).replies)
      let signIns = SignInSender(producer: producer, source: runtime.instance, patience: deadline)
      let edge = Edge(
        tokens: TokenDirectory(lookup: TokenLookup(database: database).record),
        reads: DatabaseReads(database: database), commands: commands, inFlight: inFlight,
        bulksInFlight: InFlight(
          maximum: try settings.integer(.maximumBulks), maximumPerToken: try settings.integer(.maximumBulksPerToken),
          what: "bulk requests"), sendSignIn: signIns.send,
        sendMailEvent: MailEventSender(producer: producer, source: runtime.instance, patience: deadline).send,
        bodies: BodyReader(
          maximum: try settings.integer(.bodyLimit), budget: BodyBudget(maximum: try settings.integer(.bodyMemory))),
        baseURLs: BaseURLRule(
          publicURL: settings.optionalString(.publicURL), trustsForwarded: try settings.bool(.trustForwarded)),
        cursors: CursorSeal(
          secret: settings.optionalString(.cursorKey), lifetime: Int(try settings.duration(.cursorLifetime).inSeconds)))
      let server = EdgeServer(
        responder: edge.responder(), configuration: try ListenerConfiguration(settings), logger: runtime.logger)
      // Shut down in the opposite order: requests in flight are finished while what they need still works.
      return [pool, producer, requests, server]
    }
  }
}

extension Duration {
  /// The time in seconds.
  var inSeconds: Double { self / .seconds(1) }
}
