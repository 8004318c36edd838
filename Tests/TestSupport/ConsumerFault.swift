import CKafka
import Foundation
import Kafka
import Logging
import Postgres
import ServiceLifecycle

/// A fault that is injected into a consumer, by librdkafka's mock cluster or by a trigger in PostgreSQL.
public enum ConsumerFault: String, Sendable, CaseIterable {
  /// The broker rejects fetches for a while.
  case fetchFails
  /// Another process replaces the member in its group, which ends polling for good.
  case memberIsFenced
  /// Transactions fail with a serialization failure for a while.
  case transactionFailsForAWhile
  /// The database rejects the values of a transaction.
  case transactionRefusesTheData
  /// The broker rejects the loop's replies or commands for a while.
  case produceFailsForAWhile
  /// A reply or command is too large for its topic.
  case produceIsTooLarge
  /// The broker rejects dead letters for a while.
  case deadLetterFailsForAWhile
  /// A dead letter is too large for its topic.
  case deadLetterIsTooLarge
  /// Neither Kafka nor the database accepts a dead letter.
  case deadLetterHasNoPlace
  /// The broker rejects offset commits for a while.
  case commitFailsForAWhile
  /// The broker rejects an offset commit for lack of authorization.
  case commitIsRefused

  /// Whether the loop cannot continue, so that its process must end.
  public var endsProcess: Bool { self == .memberIsFenced || self == .deadLetterHasNoPlace }

  /// Whether the test needs an unreadable message.
  public var hasUnreadableMessage: Bool {
    switch self {
    case .deadLetterFailsForAWhile, .deadLetterIsTooLarge, .deadLetterHasNoPlace: true
    default: false
    }
  }

  /// Whether the fault concerns messages that the loop produces.
  public var produces: Bool { self == .produceFailsForAWhile || self == .produceIsTooLarge }

  /// Injects the fault. Call it after the messages are on their topic and before the loop runs.
  ///
  /// - Parameters:
  ///   - table: The table into which the loop inserts first, `identity.users`.
  ///   - row: Text that only the row of the first message contains, such as its id: the row that ``transactionRefusesTheData`` rejects.
  ///   - deadLetters: The table for dead letters.
  ///   - owner: A pool of the owner of both tables.
  /// - Throws: `PostgresError`.
  public func inject(
    into cluster: MockCluster, table: String, refusing row: String, deadLetters: String, owner: PostgresPool
  ) async throws {
    switch self {
    case .fetchFails:
      cluster.fail(.fetch, with: [RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION])
    case .memberIsFenced:
      // Twice, since a member that is fenced joins once more.
      cluster.fail(.heartbeat, with: [RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID, RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID])
    case .transactionFailsForAWhile: try await Self.refuse("nextval('public.faults') <= 2", insertionsInto: table, with: "40001", owner)
    case .transactionRefusesTheData:
      // By its content, since the messages may arrive in one batch or in two.
      try await Self.refuse("strpos(lower(to_jsonb(new)::text), '\(row.lowercased())') > 0", insertionsInto: table, with: "22000", owner)
    case .produceFailsForAWhile, .deadLetterFailsForAWhile:
      cluster.fail(.produce, with: [RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT])
    case .produceIsTooLarge, .deadLetterIsTooLarge: cluster.fail(.produce, with: [RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE])
    case .deadLetterHasNoPlace:
      cluster.fail(.produce, with: [RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE])
      _ = try await owner.query(Statement(once: "drop", "drop table \(deadLetters) cascade"))
    case .commitFailsForAWhile:
      cluster.fail(.offsetCommit, with: [RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT])
    case .commitIsRefused: cluster.fail(.offsetCommit, with: [RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED])
    }
  }

  /// Rejects the insertions for which `condition` holds. The sequence counts insertions, because it is not rolled back.
  private static func refuse(_ condition: String, insertionsInto table: String, with state: String, _ owner: PostgresPool) async throws {
    for sql in [
      "create sequence public.faults",
      """
      create function public.fault() returns trigger language plpgsql security definer as $$
      begin
        if \(condition) then
          raise exception 'injected' using errcode = '\(state)';
        end if;
        return new;
      end
      $$
      """,
      "create trigger fault before insert on \(table) for each row execute function public.fault()",
    ] { _ = try await owner.query(Statement(once: "fault", sql)) }
  }
}

/// The outcome of a consumer with a fault.
public enum ConsumerOutcome: Sendable {
  /// It processed the messages despite the fault.
  case progressed
  /// Its services ended with an error, as their process would.
  case ended(any Error)

  /// Whether it ended.
  public var hasEnded: Bool { if case .ended = self { true } else { false } }
}

/// Runs services until `hasProgressed` returns true, or until one of them ends.
///
/// - Throws: ``TimeoutError`` if neither happens, because the consumer hangs.
public func consumerOutcome(
  of services: [any Service], logger: Logger, _ hasProgressed: @escaping @Sendable () async throws -> Bool
) async throws -> ConsumerOutcome {
  let group = ServiceGroup(services: services, logger: logger)
  return try await withThrowingTaskGroup(of: ConsumerOutcome.self) { tasks in
    tasks.addTask {
      do {
        try await group.run()
        return .ended(CancellationError())
      } catch {
        return .ended(error)
      }
    }
    tasks.addTask {
      try await eventually("progress, or the end of the loop", within: .seconds(240)) { try await hasProgressed() }
      return .progressed
    }
    guard let first = try await tasks.next() else { throw CancellationError() }
    await group.triggerGracefulShutdown()
    tasks.cancelAll()
    return first
  }
}
