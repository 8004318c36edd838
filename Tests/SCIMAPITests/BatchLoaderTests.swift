import Synchronization
import TestSupport
import Testing

@testable import AdminConsole
@testable import EdgeHTTP
@testable import EdgeReads
@testable import ProductAPI
@testable import SCIMControllers
@testable import ScimAPI

@Suite("Concurrent reads by key", .timeLimit(.minutes(10)))
struct BatchLoaderTests {
  private struct ConnectionError: Error {}

  /// A database whose statements complete when the test calls ``end(with:)``.
  private final class Source: Sendable {
    private struct Statement {
      let keys: [Int]
      let answer: CheckedContinuation<[Int: String], any Error>
    }

    private let statements = Mutex<[Statement]>([])

    /// The keys of each running statement, in the order of arrival.
    var running: [Set<Int>] { statements.withLock { $0.map { Set($0.keys) } } }

    func read(_ keys: [Int]) async throws -> [Int: String] {
      try await withCheckedThrowingContinuation { answer in
        statements.withLock { $0.append(Statement(keys: keys, answer: answer)) }
      }
    }

    /// Completes the oldest statement, with a row for every even key.
    func end(with error: (any Error)? = nil) {
      let statement = statements.withLock { $0.removeFirst() }
      if let error { return statement.answer.resume(throwing: error) }
      let found = statement.keys.filter { $0.isMultiple(of: 2) }.map { ($0, "found \($0)") }
      statement.answer.resume(returning: Dictionary(uniqueKeysWithValues: found))
    }
  }

  private let source = Source()
  private let reads: BatchLoader<String, Int, String>

  init() {
    reads = BatchLoader(maximumStatements: 1, maximumKeys: 3) { [source] _, keys in try await source.read(keys) }
  }

  /// Requests `key`, and returns when the request is waiting.
  private func request(_ key: Int, of owner: String = "a", waiting: Int) async throws -> Task<String?, any Error> {
    let task = Task { try await reads.found(for: key, of: owner) }
    try await eventually("the request to wait") { reads.waitingCount == waiting }
    return task
  }

  @Test("Requests during a statement are batched into the next one, without duplicate keys and up to the maximum")
  func batching() async throws {
    let first = try await request(2, waiting: 0)
    try await eventually("the statement to run") { source.running == [[2]] }
    // The running statement started before the second request for the key, and must not answer it.
    var others: [Task<String?, any Error>] = []
    for (index, key) in [2, 3, 4, 4, 6].enumerated() { others.append(try await request(key, waiting: index + 1)) }
    source.end()
    #expect(try await first.value == "found 2")
    try await eventually("the statement to run") { source.running == [[2, 3, 4]] }
    source.end()
    try await eventually("the statement to run") { source.running == [[6]] }
    source.end()
    var answers: [String?] = []
    for other in others { answers.append(try await other.value) }
    #expect(answers == ["found 2", nil, "found 4", "found 4", "found 6"])
    let later = Task { try await reads.found(for: 8, of: "a") }
    try await eventually("the statement to run") { source.running == [[8]] }
    source.end()
    #expect(try await later.value == "found 8")
  }

  @Test("A failed statement fails the requests of its batch, and the next statement starts")
  func failure() async throws {
    let first = try await request(2, waiting: 0)
    try await eventually("the statement to run") { source.running == [[2]] }
    var others: [Task<String?, any Error>] = []
    for (index, key) in [2, 4, 6, 8].enumerated() { others.append(try await request(key, waiting: index + 1)) }
    source.end(with: ConnectionError())
    await #expect(throws: ConnectionError.self) { try await first.value }
    try await eventually("the statement to run") { source.running == [[2, 4, 6]] }
    source.end(with: ConnectionError())
    for other in others.dropLast() { await #expect(throws: ConnectionError.self) { try await other.value } }
    try await eventually("the statement to run") { source.running == [[8]] }
    source.end()
    #expect(try await others[3].value == "found 8")
  }

  @Test("Cancelling the request that runs the statement does not fail the others of its batch")
  func cancellation() async throws {
    let first = try await request(2, waiting: 0)
    try await eventually("the statement to run") { source.running == [[2]] }
    let reader = try await request(4, waiting: 1)
    let other = try await request(6, waiting: 2)
    source.end()
    #expect(try await first.value == "found 2")
    try await eventually("the statement to run") { source.running == [[4, 6]] }
    source.end(with: CancellationError())
    await #expect(throws: CancellationError.self) { try await reader.value }
    try await eventually("the statement to run") { source.running == [[6]] }
    source.end()
    #expect(try await other.value == "found 6")
  }

  @Test("Owners are served in rotation: many requests of one delay another by at most one statement")
  func fairness() async throws {
    var requests = [try await request(2, waiting: 0)]
    try await eventually("the statement to run") { source.running == [[2]] }
    for (index, key) in [4, 6, 8, 10, 12, 14].enumerated() { requests.append(try await request(key, waiting: index + 1)) }
    requests.append(try await request(100, of: "b", waiting: 7))
    for keys: Set in [[4, 6, 8], [100], [10, 12, 14]] {
      source.end()
      try await eventually("the statement to run") { source.running == [keys] }
    }
    source.end()
    for task in requests { #expect(try await task.value != nil) }
  }

  @Test("An owner uses a limited number of statements, and another owner's statement starts immediately")
  func maximumPerOwner() async throws {
    let reads = BatchLoader<String, Int, String>(maximumStatements: 3, maximumPerOwner: 2) { [source] _, keys in
      try await source.read(keys)
    }
    var tasks = [2, 4, 6].map { key in Task { try await reads.found(for: key, of: "a") } }
    try await eventually("two statements to run and one request to wait") { source.running.count == 2 && reads.waitingCount == 1 }
    tasks.append(Task { try await reads.found(for: 100, of: "b") })
    try await eventually("the other owner's statement to run") { source.running.last == [100] }
    for _ in 0..<4 {
      try await eventually("a statement to run") { !source.running.isEmpty }
      source.end()
    }
    for task in tasks { #expect(try await task.value != nil) }
  }
}
