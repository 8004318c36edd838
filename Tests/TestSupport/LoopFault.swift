import CKafka
import Foundation
import Kafka
import Logging
import Postgres
import ServiceLifecycle

/// A failure at one boundary of a consumer's loop: injected into librdkafka's mock cluster, or by a trigger in PostgreSQL.
public enum LoopFault: String, Sendable, CaseIterable {
  case fetchFails
  /// The group takes the member for another process: no more polling.
  case memberIsFenced
  case transactionFailsForAWhile
  case transactionRefusesTheData
  /// What the loop itself produces: replies or commands, where it has any.
  case produceFailsForAWhile
  case produceIsTooLarge
  case deadLetterFailsForAWhile
  case deadLetterIsTooLarge
  /// Neither Kafka nor the database takes it.
  case deadLetterHasNoPlace
  case commitFailsForAWhile
  case commitIsRefused

  /// Whether the loop cannot go on, so that its process has to end.
  public var endsProcess: Bool { self == .memberIsFenced || self == .deadLetterHasNoPlace }

  /// Whether a message that cannot be read is among those of the test.
  public var hasPoison: Bool {
    switch self {
    case .deadLetterFailsForAWhile, .deadLetterIsTooLarge, .deadLetterHasNoPlace: true
    default: false
    }
  }

  /// Whether the loop has something to produce.
  public var produces: Bool { self == .produceFailsForAWhile || self == .produceIsTooLarge }

  /// Makes it happen: to be called when the messages are on their topic and the loop is not running yet.
  ///
  /// - Parameters:
  ///   - table: into which the loop inserts first, `identity.users`.
  ///   - row: Text that only the row of the first message contains, such as its id: the row that ``transactionRefusesTheData`` is about.
  ///   - deadLetters: the table for dead letters.
  ///   - owner: a pool of the owner of both.
  public func inject(into cluster: MockCluster, table: String, refusing row: String, deadLetters: String, owner: PostgresPool) async throws
  {
    switch self {
    case .fetchFails:
      cluster.fail(.fetch, with: [RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION])
    case .memberIsFenced: cluster.fail(.heartbeat, with: [RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID])
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

  /// Makes the insertions fail for which `condition` holds. The sequence counts insertions, because it is not rolled back.
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

/// What became of a loop.
public enum LoopOutcome: Sendable {
  case progressed
  case ended(any Error)

  public var hasEnded: Bool { if case .ended = self { true } else { false } }
}

/// Runs services until `hasProgressed` holds, or until they end by themselves as their process would.
///
/// - Throws: ``NotInTime`` where neither comes about: the loop is stuck.
public func loopOutcome(
  of services: [any Service], logger: Logger, _ hasProgressed: @escaping @Sendable () async throws -> Bool
) async throws -> LoopOutcome {
  let group = ServiceGroup(services: services, logger: logger)
  return try await withThrowingTaskGroup(of: LoopOutcome.self) { tasks in
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
