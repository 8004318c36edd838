import Credentials
import Kafka
import Migrations
import Models
import Outbox
import Postgres
import ServiceKit
import ServiceLifecycle

/// The group-sync process: keeps the product's directory in sync with identity-store, and publishes its changes to the product.
package struct GroupSyncService {
  /// Runs the service until the process receives a signal to stop.
  package static func main() async {
    await ServiceProcess.run(
      service: "group-sync",
      settings: CommonSettings.all + [.maximumBatch, .statementTimeout, .eventRetention] + .webhooks
        + [.signingKey, .issuer, .audience],
      migrations: SchemaMigrations.directory
    ) { runtime in
      let pool = try runtime.postgres(
        statementTimeout: try runtime.settings.duration(.statementTimeout), planning: .onceByIndex)
      let producer = try Producer(runtime.kafka, logger: runtime.logger)
      let deadLetters = DeadLetters(
        consumer: "group-sync", producer: producer, table: DeadLetterTable("directory.dead_letters", pool: pool), logger: runtime.logger)
      try await runtime.ensureTopics()
      let history = ConsumerHistory(pool: pool, schema: "directory", consumer: "group-sync")
      let consumer = try Consumer(
        runtime.kafka,
        ConsumerConfiguration(
          group: "group-sync", instance: runtime.memberID, topics: [.identityEvents],
          maximumBatch: try runtime.settings.integer(.maximumBatch),
          // A group event names up to a thousand members, which are all loaded, so a dozen such events make a batch.
          maximumBatchBytes: 512 << 10, fetchInterval: .milliseconds(20), sessionTimeout: runtime.sessionTimeout,
          recordedOffsets: try await history.offsets()),
        logger: runtime.logger)
      runtime.watch(consumer)
      let relay = OutboxRelay(pool: pool, table: "directory.outbox", producer: producer, consumer: consumer, logger: runtime.logger)
      runtime.watch(relay)
      // Only the directory missed events, so a rebuild must not send invitations.
      let recorder = SkippedMessageRecorder(
        consumer, history: history, rebuild: .init(invitations: .none, source: runtime.instance, producer: producer),
        logger: runtime.logger)
      let securityEvents = try await SecurityEvents(runtime)
      let webhooks = try WebhookDispatcher(runtime, pool: pool, producer: producer)
      let eventConsumer = EventConsumer(
        consumer: consumer,
        transaction: DirectoryTransaction(
          pool: pool, writer: DirectoryWriter(source: runtime.instance, securityEvents: securityEvents), webhooks: webhooks),
        deadLetters: deadLetters, relay: relay, logger: runtime.logger)
      let eventLog = EventLogMaintenance(pool: pool, retention: try runtime.settings.eventRetention(), logger: runtime.logger)
      let publication = KeyPublication(pool: pool, key: securityEvents?.key, logger: runtime.logger)
      // Services shut down in the opposite order: the event consumer finishes its batch while the pool, the producer and the relay still
      // run.
      return [
        pool, producer, eventLog, try WebhookMaintenance(runtime, dispatcher: webhooks), relay, publication,
        QueueMonitor(pool: pool, queues: [.outbox("directory.outbox")], logger: runtime.logger),
        PartitionMonitor(pool: pool, tables: ["directory.events", "directory.webhook_deliveries"], logger: runtime.logger),
        webhooks, recorder, consumer,
        WebhookPartitions(consumer: consumer, dispatcher: webhooks, logger: runtime.logger), eventConsumer,
      ]
    }
  }
}

extension WebhookDispatcher {
  /// Creates the dispatcher from the settings. Without a key, which is logged, events wait in the log.
  ///
  /// - Throws: `SettingsError` if a setting is invalid.
  fileprivate convenience init(_ runtime: ServiceRuntime, pool: PostgresPool, producer: Producer) throws {
    let settings = runtime.settings
    var limits = DeliveryLimits()
    limits.requests = try settings.integer(.webhookRequests)
    limits.requestsPerEndpoint = try settings.integer(.webhookRequestsPerEndpoint)
    let seal = settings.optionalString(.webhookKey).flatMap { WebhookSeal(secret: $0) }
    if seal == nil {
      runtime.logger.notice("webhooks are not delivered: \(Setting.webhookKey.environmentName) is not set, or is too short")
    }
    let client = WebhookClient(
      allowsPrivateAddresses: try settings.bool(.allowsPrivateWebhooks), connections: limits.requests + limits.requestsAhead)
    let commands = WebhookCommands(producer: producer, source: runtime.instance)
    self.init(
      pool: pool, sender: WebhookSender(client: client, seal: seal, logger: runtime.logger), client: client, limits: limits,
      logger: runtime.logger
    ) { try await commands.disable($0, reason: $1) }
  }
}

extension WebhookMaintenance {
  fileprivate init(_ runtime: ServiceRuntime, dispatcher: WebhookDispatcher) throws {
    let retention = try runtime.settings.duration(.webhookLogRetention)
    let days = Int(retention.components.seconds / 86_400)
    guard (1...365).contains(days) else {
      throw SettingsError(["\(Setting.webhookLogRetention.environmentName) must be from 1d to 365d, but is \(retention)"])
    }
    self.init(dispatcher: dispatcher, retention: days, logger: runtime.logger)
  }
}

extension SecurityEvents {
  /// Creates the issuer of security event tokens from the settings; nil, with a log line, if no signing key is set.
  ///
  /// - Throws: `SettingsError` if the key is invalid.
  fileprivate init?(_ runtime: ServiceRuntime) async throws {
    guard let pem = runtime.settings.optionalString(.signingKey) else {
      runtime.logger.notice("security event tokens are disabled: \(Setting.signingKey.environmentName) is not set")
      return nil
    }
    do {
      try await self.init(
        pem: pem, issuer: try runtime.settings.string(.issuer), audience: runtime.settings.optionalString(.audience))
    } catch {
      throw SettingsError([
        "\(Setting.signingKey.environmentName) is not a P-256 private key in PEM: \(error)"
      ])
    }
  }
}
