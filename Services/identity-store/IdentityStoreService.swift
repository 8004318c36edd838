import Credentials
import Kafka
import Migrations
import Models
import Outbox
import Postgres
import ServiceKit
import ServiceLifecycle

/// The identity-store process: the only writer of users, groups, memberships, workspaces and tokens.
package struct IdentityStoreService {
  /// Runs the service until the process receives a signal to stop.
  package static func main() async {
    await ServiceProcess.run(
      service: "identity-store",
      settings: CommonSettings.all + [
        .tombstoneKey, .tombstoneFormerKey, .maximumBatch, .batchTimeLimit, .maximumBulks, .replyRetention, .logRetention, .oauthKey,
        .keyLifetime,
        .allowsInsecureWebhooks, .allowsPrivateWebhooks,
      ],
      migrations: SchemaMigrations.identity
    ) { runtime in
      let timeLimit = try runtime.settings.duration(.batchTimeLimit)
      let pool = try runtime.postgres(statementTimeout: timeLimit, planning: .onceByIndex)
      try await runtime.ensureTopics()
      let producer = try Producer(runtime.kafka, logger: runtime.logger)
      let history = ConsumerHistory(pool: pool, schema: "identity", consumer: "identity-store")
      let consumer = try Consumer(
        runtime.kafka,
        ConsumerConfiguration(
          group: "identity-store", instance: runtime.memberID, topics: [.identityCommands],
          maximumBatch: try runtime.settings.integer(.maximumBatch), sessionTimeout: runtime.sessionTimeout,
          recordedOffsets: try await history.offsets()),
        logger: runtime.logger)
      runtime.watch(consumer)
      let relay = OutboxRelay(pool: pool, table: "identity.outbox", producer: producer, consumer: consumer, logger: runtime.logger)
      runtime.watch(relay)
      let nameHash = NameHash(
        key: try runtime.settings.string(.tombstoneKey), former: runtime.settings.optionalString(.tombstoneFormerKey))
      let deadLetters = DeadLetters(
        consumer: "identity-store", producer: producer, table: DeadLetterTable("identity.dead_letters", pool: pool), logger: runtime.logger)
      let writer = ChangeWriter(nameHash: nameHash, source: runtime.instance)
      let transaction = BatchTransaction(
        pool: pool, writer: writer, nameHash: nameHash,
        webhookRules: WebhookRules(
          allowsInsecureURLs: try runtime.settings.bool(.allowsInsecureWebhooks),
          allowsPrivateAddresses: try runtime.settings.bool(.allowsPrivateWebhooks)),
        relay: relay, timeLimit: timeLimit)
      let backfill = ComparisonKeyBackfill(pool: pool, writer: writer, logger: runtime.logger)
      let loop = CommandConsumer(
        consumer: consumer,
        processor: CommandProcessor(
          transaction: transaction, deadLetters: deadLetters, logger: runtime.logger, onProgress: consumer.noteProgress),
        maximumBulks: try runtime.settings.integer(.maximumBulks),
        replies: ReplyPublisher(producer: producer, source: runtime.instance, logger: runtime.logger),
        logger: runtime.logger)
      let expiringRows: [RowTrimming.Rows] = [
        .replies(retention: try runtime.settings.duration(.replyRetention)), .sessions, .earlySignIns, .webhooks,
        .abandonedImports, .accountImports, .abandonedWorkspaceParts, .workspaceImports,
      ]
      let rotation = try runtime.settings.optionalString(.oauthKey).map { secret in
        guard let seal = KeySeal(secret: secret) else {
          throw SettingsError(["\(Setting.oauthKey.environmentName) has fewer than \(KeySeal.minimumSecret) characters"])
        }
        return KeyRotation(
          pool: pool, seal: seal,
          schedule: KeySchedule(lifetime: try runtime.settings.duration(.keyLifetime) / .seconds(1)), logger: runtime.logger)
      }
      let logging = try await provisioningLog(runtime, deadLetters)
      let rebuilds = RebuildRunner(pool: pool, producer: producer, source: runtime.instance, logger: runtime.logger)
      let imports = AccountImportRunner(pool: pool, producer: producer, source: runtime.instance, logger: runtime.logger)
      let workspaceImports = WorkspaceImportRunner(pool: pool, producer: producer, source: runtime.instance, logger: runtime.logger)
      let recorder = SkippedMessageRecorder(consumer, history: history, rebuild: nil, logger: runtime.logger)
      // Services shut down in reverse order: the consumer finishes its batch while the pool, the producer and the relay still work.
      var services: [any Service] = [pool, producer, relay]
      services += expiringRows.map { RowTrimming(rows: $0, pool: pool, logger: runtime.logger) }
      services += [
        backfill, rebuilds, imports, workspaceImports, ErasureRunner(pool: pool, logger: runtime.logger),
        WorkspaceDeletionRunner(pool: pool, logger: runtime.logger),
        QueueMonitor(pool: pool, queues: [.outbox("identity.outbox"), .heldChanges], logger: runtime.logger),
      ]
      if let rotation { services.append(rotation) }
      if let former = nameHash.formerKeyID {
        services.append(NameHashRotation(pool: pool, nameHash: nameHash, former: former, logger: runtime.logger))
      }
      return services + logging + [recorder, consumer, loop]
    }
  }

  /// The services that store the provisioning log, with their own consumer and connection.
  private static func provisioningLog(_ runtime: ServiceRuntime, _ deadLetters: DeadLetters) async throws -> [any Service] {
    let pool = PostgresPool(
      PostgresConfiguration(
        url: try runtime.settings.string(.databaseURL), connections: 1, statementTimeout: .seconds(30),
        applicationName: "\(runtime.memberID) log", exclusiveConnections: 1),
      logger: runtime.logger)
    let history = ConsumerHistory(pool: pool, schema: "identity", consumer: "provisioning-log")
    let consumer = try Consumer(
      runtime.kafka,
      ConsumerConfiguration(
        group: "provisioning-log", instance: runtime.memberID, topics: [.provisioningLog], maximumBatch: 500, maximumBatchBytes: 8 << 20,
        // Nobody waits for an entry. About as many bytes as a batch of entries has.
        fetchInterval: .milliseconds(250), fetchBytes: 384 << 10, sessionTimeout: runtime.sessionTimeout,
        recordedOffsets: try await history.offsets()),
      logger: runtime.logger)
    runtime.watch(consumer)
    let partitions = LogPartitions(
      pool: pool, days: max(1, Int(try runtime.settings.duration(.logRetention) / .seconds(86_400))), logger: runtime.logger)
    let loop = LogConsumer(
      consumer: consumer, writer: LogWriter(pool: pool, days: partitions.days), partitions: partitions, deadLetters: deadLetters,
      logger: runtime.logger)
    return [
      pool, partitions, PartitionMonitor(pool: pool, tables: ["identity.provisioning_log"], logger: runtime.logger),
      SkippedMessageRecorder(consumer, history: history, rebuild: nil, logger: runtime.logger), consumer, loop,
    ]
  }
}
