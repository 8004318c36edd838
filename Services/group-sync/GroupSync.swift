import Kafka
import Models
import Postgres
import Schema
import ServiceKit
import ServiceLifecycle

/// Keeps the product's directory equal to what identity-store says, and tells the product what changed.
@main
struct GroupSync {
  static func main() async {
    await ServiceProcess.run(
      service: "group-sync", settings: CommonSettings.all + [.maximumBatch, .statementTimeout], migrations: Schema.directory
    ) { runtime in
      let pool = try runtime.postgres(
        statementTimeout: try runtime.settings.duration(.statementTimeout), planning: .onceByIndex)
      let producer = try Producer(runtime.kafka, logger: runtime.logger)
      let deadLetters = DeadLetters(consumer: "group-sync", producer: producer)
      try await runtime.ensureTopics([.identityEvents, .directoryEvents, deadLetters.topic])
      let consumer = try Consumer(
        runtime.kafka,
        ConsumerConfiguration(
          group: "group-sync", instance: runtime.memberID, topics: [.identityEvents],
          maximumBatch: try runtime.settings.integer(.maximumBatch), linger: .milliseconds(25)),
        logger: runtime.logger)
      runtime.watch(consumer)
      let relay = OutboxRelay(
        pool: pool, table: "directory.outbox", producer: producer, lockKey: 0x726f_6c6c_0003, logger: runtime.logger)
      let transaction = BatchTransaction(pool: pool, writer: DirectoryWriter(source: runtime.instance))
      let loop = EventLoop(
        consumer: consumer, runner: BatchRunner(transaction: transaction, deadLetters: deadLetters, logger: runtime.logger), relay: relay,
        deadLetters: deadLetters, logger: runtime.logger)
      // Shut down in the opposite order: the loop finishes its batch while the pool, the producer and the relay still work.
      return [pool, producer, relay, consumer, loop]
    }
  }
}
