import Kafka
import MailTemplates
import Migrations
import Models
import Outbox
import Postgres
import ServiceKit
import ServiceLifecycle

/// The invitation-mailer: sends invitations by mail, and requests the promotion of people who sign in.
package enum InvitationMailerService {
  /// Runs the service until shutdown.
  package static func main() async {
    await ServiceProcess.run(
      service: "invitation-mailer", settings: CommonSettings.all + Setting.mailer, migrations: SchemaMigrations.mailer
    ) { runtime in
      let from = try MailAddress(runtime.settings, .mailFrom)
      let server = try SMTPServer(runtime.settings)
      let operatorAddress = try runtime.settings.optionalString(.operatorAddress).map { _ in
        try MailAddress(runtime.settings, .operatorAddress).address
      }
      if runtime.settings.optionalString(.appURL) == nil {
        runtime.logger.warning(
          """
          \(Setting.appURL.environmentName) is not set: mails about held changes have no link to the console, but for workspaces with a \
          domain of their own
          """)
      }
      let connections = (0..<(try runtime.settings.integer(.smtpConnections))).map { SMTPConnection(server, name: "smtp-\($0)") }
      let pool = try runtime.postgres(planning: .onceByIndex)
      try await runtime.ensureTopics()
      let history = ConsumerHistory(pool: pool, schema: "mailer", consumer: "invitation-mailer")
      let producer = try Producer(runtime.kafka, logger: runtime.logger)
      let consumer = try Consumer(
        runtime.kafka,
        ConsumerConfiguration(
          group: "invitation-mailer", instance: runtime.memberID, topics: [.identityEvents, .signInEvents, .mailEvents],
          // Collecting events delays a mail by a tenth of a second, and saves most of the cost of storing them.
          maximumBatch: try runtime.settings.integer(.maximumBatch), fetchInterval: .milliseconds(100),
          sessionTimeout: runtime.sessionTimeout, recordedOffsets: try await history.offsets()),
        logger: runtime.logger)
      runtime.watch(consumer)
      // After lost events, users without an invitation who were created since the mailer's database exists are invited: nothing else can
      // have mailed them.
      let recorder = SkippedMessageRecorder(
        consumer, history: history, rebuild: .init(invitations: .missing, source: runtime.instance, producer: producer),
        logger: runtime.logger)
      let status = MailServerStatus()
      runtime.health.add("smtp") { status.problem }
      let relay = OutboxRelay(pool: pool, table: "mailer.outbox", producer: producer, consumer: consumer, logger: runtime.logger)
      runtime.watch(relay)
      let queue = MailQueue()
      let store = InvitationStore(pool: pool, relay: relay)
      let scheduler = MailScheduler(
        pool: pool,
        sender: MailSender(
          store: store,
          composer: try InvitationComposer(from: from, appURL: runtime.settings.optionalString(.appURL)),
          schedule: try RetrySchedule(runtime.settings), status: status,
          operatorAddress: operatorAddress, logger: runtime.logger),
        queue: queue, connections: connections, rateLimiter: try DomainRateLimiter(runtime.settings),
        noticeThrottle: try NoticeThrottle(runtime.settings), instance: runtime.instance, claimTimeout: Double(server.timeout) + 30,
        logger: runtime.logger)
      let loop = EventConsumer(
        consumer: consumer,
        processor: EventProcessor(
          store: EventStore(pool: pool, queue: queue, instance: runtime.instance, relay: relay),
          promoter: Promoter(producer: producer, source: runtime.instance),
          deadLetters: DeadLetters(
            consumer: "invitation-mailer", producer: producer, table: DeadLetterTable("mailer.dead_letters", pool: pool),
            logger: runtime.logger), logger: runtime.logger, onProgress: consumer.noteProgress))
      // Services shut down in reverse order, so the pool and the producer still work while the loops finish their batches.
      return [
        pool, producer, relay, MailerMaintenance(store: store, status: status, logger: runtime.logger),
        QueueMonitor(pool: pool, queues: [.outbox("mailer.outbox")], logger: runtime.logger), scheduler, recorder, consumer, loop,
      ]
    }
  }
}
