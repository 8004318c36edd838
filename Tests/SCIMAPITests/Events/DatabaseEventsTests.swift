import Foundation
import Models
import Postgres
import TestSupport
import Testing

@testable import EdgeHTTP
@testable import EdgeReads

@Suite("Reads of the event log", .timeLimit(.minutes(10)))
struct DatabaseEventsTests {
  private let here = WorkspaceID.made(at: Date())
  private let there = WorkspaceID.made(at: Date())

  /// Reads from `start` to the end in pages.
  private func all(
    _ database: EventDatabase, _ query: EventQuery, _ check: (EventPage) throws -> Void = { _ in }
  ) async throws -> [StoredEvent] {
    var (query, events) = (query, [StoredEvent]())
    while true {
      let page = try await database.events.events(query)
      try check(page)
      events += page.events
      query.start = .after(page.cursor)
      if !page.hasMore { return events }
    }
  }

  @Test("A workspace reads its events once and in order, whatever the size of the pages", arguments: [1, 3, 10, 1000])
  func pages(limit: Int) async throws {
    let database = try await EventDatabase.start()
    for _ in 0..<5 {
      try await database.append(2, in: here)
      try await database.append(3, in: there)
    }
    let events = try await all(database, EventQuery(.workspace(here), from: .oldest, limit: limit)) { page in
      #expect(page.events.count <= limit)
    }
    #expect(events.map(\.sequence) == Array(1...10))
    #expect(events.allSatisfy { $0.workspace == here && $0.type == "member.updated" && $0.data.starts(with: Array("{\"n\":".utf8)) })
    #expect(events.map(\.id) == (1...10).map { "\(here)/\($0)" })
    // The same in the deployment's feed, where the events of both workspaces alternate.
    let feed = try await all(database, EventQuery(.deployment, from: .oldest, limit: limit))
    #expect(feed.map(\.number) == Array(1...25))
    #expect(feed.filter { $0.workspace == here }.map(\.sequence) == Array(1...10))
    await database.close()
  }

  @Test("The cursor advances over events of other types and workspaces, and new events follow it")
  func filters() async throws {
    let database = try await EventDatabase.start()
    try await database.append(20, in: here)
    try await database.append(1, .accessRevoked, in: here)
    try await database.append(20, in: there)
    let revocations = EventQuery(.workspace(here), from: .oldest, types: [.accessRevoked], limit: 5)
    var page = try await database.events.events(revocations)
    #expect(page.events.map(\.sequence) == [21])
    #expect(page.cursor.number == 21 && !page.hasMore)

    var others = revocations
    others.types = [.groupCreated, .groupDeleted]
    page = try await database.events.events(others)
    #expect(page.events.isEmpty && page.cursor.number == 21 && !page.hasMore)
    others.start = .after(page.cursor)
    try await database.append(1, .groupCreated, in: here)
    #expect(try await database.events.events(others).events.map(\.sequence) == [22])

    // A page that is cut continues after its last event.
    var updates = EventQuery(.deployment, from: .oldest, types: [.memberUpdated], workspaces: [there], limit: 15)
    page = try await database.events.events(updates)
    #expect(page.events.map(\.sequence) == Array(1...15))
    #expect(page.hasMore && page.cursor.number == 36)
    updates.start = .after(page.cursor)
    page = try await database.events.events(updates)
    #expect(page.events.map(\.sequence) == Array(16...20))
    #expect(!page.hasMore && page.cursor.number == 42)
    await database.close()
  }

  @Test("One request goes through a bounded number of events, and says that there are more")
  func scan() async throws {
    let database = try await EventDatabase.start()
    try await database.append(EventStatements.maximumScan + 5, in: here)
    try await database.append(1, .accessRevoked, in: here)
    var query = EventQuery(.workspace(here), from: .oldest, types: [.accessRevoked], limit: 5)
    let page = try await database.events.events(query)
    #expect(page.events.isEmpty && page.hasMore && page.cursor.number == Int64(EventStatements.maximumScan))
    query.start = .after(page.cursor)
    #expect(try await database.events.events(query).events.count == 1)
    await database.close()
  }

  @Test("A page of large events is limited by its size, and has at least one event")
  func size() async throws {
    let database = try await EventDatabase.start()
    try await database.append(6, in: here, bytes: EventStatements.maximumBytes / 2 + 1)
    try await database.append(2, in: here, bytes: EventStatements.maximumBytes + 1)
    var sizes: [Int] = []
    let events = try await all(database, EventQuery(.workspace(here), from: .oldest, limit: 1000)) { sizes.append($0.events.count) }
    #expect(events.map(\.sequence) == Array(1...8))
    #expect(sizes == [2, 2, 2, 1, 1])
    await database.close()
  }

  @Test("Without a cursor a read begins with the oldest event; 'latest' begins after the last one")
  func starts() async throws {
    let database = try await EventDatabase.start()
    let empty = try await database.events.events(EventQuery(.workspace(here), from: .oldest, limit: 10))
    #expect(empty.events.isEmpty && empty.cursor.number == 0 && !empty.hasMore)
    try await database.append(3, in: here)
    for start in [EventQuery.Start.after(empty.cursor), .oldest] {
      #expect(try await database.events.events(EventQuery(.workspace(here), from: start, limit: 10)).events.count == 3)
    }
    let latest = try await database.events.events(EventQuery(.workspace(here), from: .latest, limit: 10))
    #expect(latest.events.isEmpty && latest.cursor.number == 3 && !latest.hasMore)
    try await database.append(1, in: here)
    let later = try await database.events.events(EventQuery(.workspace(here), from: .after(latest.cursor), limit: 10))
    #expect(later.events.map(\.sequence) == [4])
    await database.close()
  }

  @Test("Events of earlier days are read across partitions, also those of a day without one")
  func partitions() async throws {
    let database = try await EventDatabase.start()
    try await database.addPartitions(days: 3)
    for day in stride(from: 5, through: 0, by: -1) { try await database.append(2, in: here, daysAgo: day) }
    #expect(try await database.write("select count(*) from directory.events_default").first?.int(0) ?? 0 > 0)
    for scope in [EventScope.workspace(here), .deployment] {
      let events = try await all(database, EventQuery(scope, from: .oldest, limit: 3))
      #expect(events.map(\.sequence) == Array(1...12))
    }
    await database.close()
  }

  @Test("A cursor whose next event was deleted is gone; one whose events are all there is not, however old it is")
  func expiry() async throws {
    let database = try await EventDatabase.start()
    try await database.addPartitions(days: 5)
    for day in stride(from: 4, through: 2, by: -1) {
      try await database.append(2, in: here, daysAgo: day)
      try await database.append(1, in: there, daysAgo: day)
    }
    func page(_ scope: EventScope, _ start: EventQuery.Start) async throws -> EventPage {
      try await database.events.events(EventQuery(scope, from: start, limit: 2))
    }
    let scopes = [EventScope.workspace(here), .deployment]
    var first: [EventScope: EventCursor] = [:]
    var second: [EventScope: EventCursor] = [:]
    var last: [EventScope: EventCursor] = [:]
    for scope in scopes {
      let page = try await page(scope, .oldest)
      first[scope] = EventCursor(epoch: page.cursor.epoch, scope: scope, number: 1, storedSince: page.events[0].storedAt)
      second[scope] = page.cursor
      last[scope] = try await database.events.events(EventQuery(scope, from: .latest, limit: 2)).cursor
    }
    // The first day is deleted: two events of one workspace, three in all.
    let day = try await database.write("select to_char(now() at time zone 'UTC' - interval '4 days', 'YYYYMMDD')").first?.string(0) ?? ""
    try await database.write("drop table directory.events_\(day)")
    for scope in scopes {
      let cursor = try #require(first[scope])
      await #expect(throws: EventCursorGone.expired) { try await page(scope, .after(cursor)) }
      #expect(try await page(scope, .oldest).events.first?.number == (scope == .deployment ? 4 : 3))
    }
    #expect(try await page(.workspace(here), .after(try #require(second[.workspace(here)]))).events.map(\.sequence) == [3, 4])
    await #expect(throws: EventCursorGone.expired) { try await page(.deployment, .after(try #require(second[.deployment]))) }
    // All events are deleted, and nothing has happened since the last cursor.
    try await database.write("delete from directory.events")
    for scope in scopes {
      let cursor = try #require(last[scope])
      #expect(try await page(scope, .after(cursor)).events.isEmpty)
      let previous = EventCursor(epoch: cursor.epoch, scope: scope, number: cursor.number - 1, storedSince: cursor.storedSince)
      await #expect(throws: EventCursorGone.expired) { try await page(scope, .after(previous)) }
    }
    await database.close()
  }

  @Test("A cursor of a lost database is gone, and so is one of events that a restored backup does not have")
  func otherLog() async throws {
    let database = try await EventDatabase.start()
    try await database.append(3, in: here)
    for scope in [EventScope.workspace(here), .deployment] {
      let cursor = try await database.events.events(EventQuery(scope, from: .latest, limit: 1)).cursor
      var lost = cursor
      lost.epoch = UUID()
      var restored = cursor
      restored.number += 1
      for cursor in [lost, restored] {
        await #expect(throws: EventCursorGone.otherLog) {
          try await database.events.events(EventQuery(scope, from: .after(cursor), limit: 10))
        }
      }
    }
    await database.close()
  }

  @Test("Each event is read once while several transactions append")
  func concurrent() async throws {
    let database = try await EventDatabase.start()
    let workspaces = (0..<4).map { _ in WorkspaceID.made(at: Date()) }
    let events = try await withThrowingTaskGroup(of: Void.self) { group in
      for workspace in workspaces {
        group.addTask { for _ in 0..<50 { try await database.append(3, in: workspace) } }
      }
      var read: [StoredEvent] = []
      var query = EventQuery(.deployment, from: .oldest, limit: 7)
      while read.count < 600 {
        let page = try await database.events.events(query)
        read += page.events
        query.start = .after(page.cursor)
        if page.events.isEmpty { try await group.next() }
      }
      try await group.waitForAll()
      return read
    }
    #expect(events.map(\.number) == Array(1...600))
    for workspace in workspaces { #expect(events.filter { $0.workspace == workspace }.map(\.sequence) == Array(1...150)) }
    await database.close()
  }

  @Test("The ends of the log are those of the workspaces that are asked for, if there are events after a position")
  func ends() async throws {
    let database = try await EventDatabase.start()
    #expect(try await database.events.ends(beyond: -1, of: [here]) == EventEnds(position: 0))
    try await database.append(3, in: here)
    try await database.append(2, in: there)
    #expect(try await database.events.ends(beyond: 4, of: [here]) == EventEnds(position: 5, sequences: [here: 3]))
    #expect(try await database.events.ends(beyond: -1, of: [here, there]) == EventEnds(position: 5, sequences: [here: 3, there: 2]))
    #expect(try await database.events.ends(beyond: 5, of: [here]) == EventEnds(position: 5))
    await database.close()
  }

  @Test("Pages are ranges of indexes, and only partitions of the cursor's day and later are read")
  func plan() async throws {
    let database = try await EventDatabase.start()
    try await database.addPartitions(days: 20)
    for day in [15, 10, 5, 0] { try await database.append(2000, in: here, daysAgo: day) }
    try await database.write("analyze directory.events")
    for scope in [EventScope.workspace(here), .deployment] {
      let cursor = EventCursor(epoch: UUID(), scope: scope, number: 6000, storedSince: Date() - 86_400)
      let (statement, parameters) = EventStatements.page(EventQuery(scope, from: .after(cursor), limit: 10))
      let pool = scope == .deployment ? database.feedReader : database.reader
      let plan = try await pool.query(
        Statement(once: "explain", "explain (analyze, costs off, timing off) \(statement.sql)"), parameters,
        under: .inForce(scope == .deployment ? .deployment : here)
      ).map { try $0.string(0) }.joined(separator: "\n")
      #expect(!plan.contains("Seq Scan on events"), "\(plan)")
      #expect(plan.contains(scope == .deployment ? "_position_idx" : "_workspace_id_sequence_idx"), "\(plan)")
      let day = try await database.write("select to_char(now() at time zone 'UTC' - interval '10 days', 'YYYYMMDD')").first?.string(0) ?? ""
      #expect(!plan.contains("events_\(day)"), "\(plan)")
    }
    await database.close()
  }
}
