import Synchronization
import TestSupport
import Testing

@testable import AdminConsole
@testable import EdgeHTTP
@testable import EdgeReads
@testable import ProductAPI
@testable import SCIMControllers
@testable import ScimAPI

@Suite("Reads by key that are asked for at the same time", .timeLimit(.minutes(10)))
struct GatheredReadsTests {
  private struct Away: Error {}

  /// A database that answers when the test tells it to.
  private final class Source: Sendable {
    private struct Statement {
      let keys: [Int]
      let answer: CheckedContinuation<[Int: String], any Error>
    }

    private let statements = Mutex<[Statement]>([])

    /// The keys of each running statement, in the order of arrival.
    var underWay: [Set<Int>] { statements.withLock { $0.map { Set($0.keys) } } }

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
  private func ask(_ key: Int, of owner: String = "a", waiting: Int) async throws -> Task<String?, any Error> {
    let task = Task { try await reads.found(for: key, of: owner) }
    try await eventually("it waits") { reads.waitingCount == waiting }
    return task
  }

  @Test("What comes while a statement is under way is read by the next one, once a key and at most so many")
  func gathers() async throws {
    let first = try await ask(2, waiting: 0)
    try await eventually("the statement is under way") { source.underWay == [[2]] }
    // The running statement started before the second request for the key, and must not answer it.
    var others: [Task<String?, any Error>] = []
    for (index, key) in [2, 3, 4, 4, 6].enumerated() { others.append(try await ask(key, waiting: index + 1)) }
    source.end()
    #expect(try await first.value == "found 2")
    try await eventually("the statement is under way") { source.underWay == [[2, 3, 4]] }
    source.end()
    try await eventually("the statement is under way") { source.underWay == [[6]] }
    source.end()
    var answers: [String?] = []
    for other in others { answers.append(try await other.value) }
    #expect(answers == ["found 2", nil, "found 4", "found 4", "found 6"])
    let later = Task { try await reads.found(for: 8, of: "a") }
    try await eventually("the statement is under way") { source.underWay == [[8]] }
    source.end()
    #expect(try await later.value == "found 8")
  }

  @Test("A failure is told to all whose keys were in the statement, and the next statement is begun")
  func fails() async throws {
    let first = try await ask(2, waiting: 0)
    try await eventually("the statement is under way") { source.underWay == [[2]] }
    var others: [Task<String?, any Error>] = []
    for (index, key) in [2, 4, 6, 8].enumerated() { others.append(try await ask(key, waiting: index + 1)) }
    source.end(with: Away())
    await #expect(throws: Away.self) { try await first.value }
    try await eventually("the statement is under way") { source.underWay == [[2, 4, 6]] }
    source.end(with: Away())
    for other in others.dropLast() { await #expect(throws: Away.self) { try await other.value } }
    try await eventually("the statement is under way") { source.underWay == [[8]] }
    source.end()
    #expect(try await others[3].value == "found 8")
  }

  @Test("When the one who reads is cancelled, those who waited with it are read for all the same")
  func cancellation() async throws {
    let first = try await ask(2, waiting: 0)
    try await eventually("the statement is under way") { source.underWay == [[2]] }
    let reader = try await ask(4, waiting: 1)
    let other = try await ask(6, waiting: 2)
    source.end()
    #expect(try await first.value == "found 2")
    try await eventually("the statement is under way") { source.underWay == [[4, 6]] }
    source.end(with: CancellationError())
    await #expect(throws: CancellationError.self) { try await reader.value }
    try await eventually("the statement is under way") { source.underWay == [[6]] }
    source.end()
    #expect(try await other.value == "found 6")
  }

  @Test("Owners take turns: one who asks for much keeps another waiting for one statement")
  func turns() async throws {
    var asked = [try await ask(2, waiting: 0)]
    try await eventually("the statement is under way") { source.underWay == [[2]] }
    for (index, key) in [4, 6, 8, 10, 12, 14].enumerated() { asked.append(try await ask(key, waiting: index + 1)) }
    asked.append(try await ask(100, of: "b", waiting: 7))
    for keys: Set in [[4, 6, 8], [100], [10, 12, 14]] {
      source.end()
      try await eventually("the statement is under way") { source.underWay == [keys] }
    }
    source.end()
    for task in asked { #expect(try await task.value != nil) }
  }

  @Test("One owner has a part of the statements under way, and another begins at once")
  func shares() async throws {
    let reads = BatchLoader<String, Int, String>(maximumStatements: 3, maximumPerOwner: 2) { [source] _, keys in
      try await source.read(keys)
    }
    var tasks = [2, 4, 6].map { key in Task { try await reads.found(for: key, of: "a") } }
    try await eventually("two are under way and one waits") { source.underWay.count == 2 && reads.waitingCount == 1 }
    tasks.append(Task { try await reads.found(for: 100, of: "b") })
    try await eventually("the other's is under way") { source.underWay.last == [100] }
    for _ in 0..<4 {
      try await eventually("a statement is under way") { !source.underWay.isEmpty }
      source.end()
    }
    for task in tasks { #expect(try await task.value != nil) }
  }
}
