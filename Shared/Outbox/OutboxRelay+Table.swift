import Kafka
import Logging
import Models
import Postgres
import ServiceLifecycle

extension OutboxRelay {
  /// Publishes until graceful shutdown. Messages that cannot be published by then are left to the next start.
  public func run() async throws {
    read.yield()
    await withTaskCancellationOrGracefulShutdownHandler {
      await withTaskGroup { group in
        group.addTask { await self.readTables() }
        group.addTask { await self.readTablesAgain() }
        group.addTask { await self.noteAssignments() }
        group.addTask { await self.deletePublished() }
      }
    } onCancelOrGracefulShutdown: { [read, window, deletion] in
      // The loops finish what they do, and end.
      read.finish()
      window.finish()
      deletion.finish()
    }
    let deadline = ContinuousClock.now + Self.shutdownLimit
    while queue.withLock({ $0.isPosting }), .now < deadline, !Task.isCancelled {
      do { try await Task.sleep(for: .milliseconds(10)) } catch { return }
    }
    await deleteNow()
  }

  /// Reads the table whenever that is necessary.
  private func readTables() async {
    for await _ in reads where queue.withLock({ $0.source == .table }) {
      do {
        try await publishTable()
      } catch is CancellationError {
        return
      } catch {
        outage.begin("\(error)")
        logger.warning("the outbox cannot be relayed at the moment", metadata: ["table": "\(outbox.table)", "error": "\(error)"])
        guard await pause(for: Self.retryDelay) else { return }
        read.yield()
      }
    }
  }

  /// Reads the table when the consumer's assignment changes, also if no messages arrive on the new partitions.
  private func noteAssignments() async {
    guard let consumer else { return }
    await cancelWhenGracefulShutdown {
      for await _ in consumer.assignmentChanges { self.noteAssignment() }
    }
  }

  /// Reads the table once more at the end of the time in which transactions of other processes may commit.
  private func readTablesAgain() async {
    for await _ in windows {
      while let time = queue.withLock({ $0.tableUntil }), time > .now {
        guard await pause(for: time - .now) else { return }
      }
      read.yield()
    }
  }

  /// Publishes all messages of the table, oldest first. Topics that do not accept messages are skipped for some time, so that the others
  /// continue.
  private func publishTable() async throws {
    while queue.withLock({ $0.isPosting }) {
      guard !Task.isShuttingDownGracefully else { return }
      try await Task.sleep(for: .milliseconds(10))
    }
    var pauses = TopicPauses()
    while !Task.isShuttingDownGracefully {
      let paused = pauses.topics(at: .now)
      let page = try await nextPage(except: paused)
      var result = PublishResult()
      do {
        try await publish(page, &result)
      } catch {
        // Messages that the broker has accepted are not sent again.
        record(result)
        throw error
      }
      record(result)
      for topic in result.reached where result.unreached[topic] == nil { pauses.end(topic) }
      for (topic, error) in result.unreached {
        let pause = pauses.extend(topic, at: .now)
        logger.warning(
          "the outbox's messages wait for their topic",
          metadata: ["table": "\(outbox.table)", "topic": "\(topic)", "error": "\(error)", "pause": "\(pause)"])
        outage.begin("\(error)")
      }
      guard page.count < batchSize else { continue }
      guard paused.isEmpty, result.unreached.isEmpty else {
        guard await pause(for: Self.pollInterval) else { return }
        continue
      }
      guard queue.withLock({ $0.endRead(page.map(\.id), at: .now) }) else { continue }
      outage.end()
      if queue.withLock({ $0.source == .memory }) { post() }
      return
    }
  }

  /// Reads the oldest messages, and deletes rows of published ones in the same round trip.
  private func nextPage(except topics: [String]) async throws -> [StoredMessage] {
    let (deleted, known) = queue.withLock { queue in
      queue.beginRead()
      let deleted = queue.takeDeletion(batchSize)
      return (deleted, queue.undeleted)
    }
    do {
      let (statement, parameters) = outbox.oldest(
        batchSize, of: owned.withLock { $0.partitions }, exceptTopics: topics, exceptIDs: known, deleting: deleted)
      let rows = try await pool.query(statement, parameters)
      queue.withLock { $0.endDeletion(deleted, isDeleted: true) }
      return try rows.map(Outbox.message)
    } catch {
      queue.withLock { $0.endDeletion(deleted, isDeleted: false) }
      throw error
    }
  }

  private func record(_ result: PublishResult) {
    queue.withLock { $0.addPublished(result.published) }
    published.increment(by: result.published.count)
  }

  /// Deletes rows of published messages that no transaction deletes.
  private func deletePublished() async {
    for await _ in deletions where queue.withLock({ $0.hasPublished }) {
      guard await pause(for: deletionDelay) else { return }
      await deleteNow()
    }
  }

  private func deleteNow() async {
    while case let ids = queue.withLock({ $0.takeDeletion(batchSize) }), !ids.isEmpty {
      let (statement, parameters) = outbox.deletion(of: ids)
      do {
        _ = try await pool.query(statement, parameters)
        queue.withLock { $0.endDeletion(ids, isDeleted: true) }
      } catch {
        queue.withLock { $0.endDeletion(ids, isDeleted: false) }
        logger.warning(
          "published messages are not deleted yet", metadata: ["table": "\(outbox.table)", "error": "\(error)"])
        deletion.yield()
        return
      }
    }
  }

  /// Waits. False if the process shuts down meanwhile.
  private func pause(for duration: Duration) async -> Bool {
    do {
      try await cancelWhenGracefulShutdown { try await Task.sleep(for: duration) }
      return !Task.isShuttingDownGracefully
    } catch {
      return false
    }
  }
}
