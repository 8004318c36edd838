import Foundation
import Models
import TestSupport
import Testing

extension EndToEnd {
  @Suite("The events API")
  struct EventsTests {
    @Test("A product that follows the events, while processes are killed, gets each sequence once and ends with the directory")
    func following() async throws {
      let deployment = try await Deployment.shared()
      let workspace = try await deployment.workspace()
      let client = EventsClient(deployment: deployment, token: try await workspace.eventsToken())
      let (idp, domain) = (workspace.identityProvider, "\(workspace.slug).example")
      let numbers = 0..<24
      // 22 users are more than 90 % of the seats, and 24 are all.
      try await workspace.scimctl(["workspace", "update", workspace.slug, "--seats", "24"])
      // Reads and writes run concurrently, until the reader has the last change.
      var reader = try await withThrowingTaskGroup(of: EventReader.self) { group in
        group.addTask {
          var reader = client.reader()
          while !reader.events.contains(where: { $0.type == .groupUpdated }) { try await reader.read(waiting: 5) }
          return reader
        }
        var ids: [String] = []
        for number in numbers {
          ids.append(try await idp.create("person\(number)@\(domain)"))
          if number % 8 == 7 { try await deployment.restart("group-sync", by: SIGKILL) }
        }
        let team = try await idp.createGroup("Team", members: Array(ids.prefix(12)))
        for number in numbers.prefix(6) { try await workspace.scimctl(["sign-in", "person\(number)@\(domain)"]) }
        try await deployment.replaceEdge()
        try await idp.setActive(false, ids[0])
        #expect(try await idp.send("DELETE", "/Users/\(ids[1])").status == 204)
        #expect(try await idp.send("DELETE", "/Users/\(ids[20])").status == 204)
        _ = try await idp.createGroup("Empty", members: [])
        let renamed = try await idp.send(
          "PATCH", "/Groups/\(team)",
          body: """
            {"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
             "Operations":[{"op":"replace","path":"displayName","value":"Data team"}]}
            """)
        #expect([200, 204].contains(renamed.status), "\(renamed.text)")
        return try #require(try await group.next())
      }
      // Promotions and other workspaces' batches may still be on their way.
      try await eventually("the directory to match the store") { try await workspace.directoryMatchesStore(recheckSeconds: 0) }
      var snapshot: DirectorySnapshotLines?
      try await eventually("the reader to have reached a snapshot") {
        let taken = try await client.snapshot()
        try await reader.read(waiting: 0)
        snapshot = taken
        return reader.cursor == taken.cursor
      }
      let taken = try #require(snapshot)
      #expect(reader.events.compactMap(\.sequence) == Array(1...Int64(max(1, reader.events.count))))
      #expect(Set(reader.events.map(\.id)).count == reader.events.count)
      #expect(reader.copy == taken.copy)
      let seats = reader.events.filter { $0.seats != nil }
      #expect(seats.map(\.type) == [.workspaceSeatsWarning, .workspaceSeatsExhausted] && seats.map(\.seats?.used) == [22, 24])
      #expect(taken.copy.members.count == numbers.count - 2)
      #expect(Set(taken.copy.groups.values) == ["Data team", "Empty"])
      // Visible are those who have signed in and are neither disabled nor deleted.
      #expect(taken.copy.memberships.values.map(\.count) == [4])

      // A filter returns the same events as the whole feed.
      let wanted = try await client.all("&types=access-revoked,member.deleted")
      #expect(wanted.map(\.id) == reader.events.filter { [.accessRevoked, .memberDeleted].contains($0.type) }.map(\.id))
    }

    @Test("A deployment-wide token reads the events of all workspaces, each workspace's in order, and a snapshot of all")
    func deployment() async throws {
      let deployment = try await Deployment.shared()
      let workspaces = [try await deployment.workspace(), try await deployment.workspace()]
      let printed = try await deployment.scimctl(["token", "issue", "--deployment", "--name", "feed", "--scope", "events"])
      let token = try #require(printed.split(whereSeparator: \.isWhitespace).map(String.init).first { $0.hasPrefix("rollcall_") })
      let client = EventsClient(deployment: deployment, token: token)
      let end = try await client.page("?after=latest")
      for number in 0..<5 {
        for workspace in workspaces { _ = try await workspace.identityProvider.create("feed\(number)@\(workspace.slug).example") }
      }
      var reader = client.reader(after: end.cursor)
      func mails(of workspace: Workspace) -> Set<String> {
        Set(
          reader.events.filter { $0.type == .memberInvited }.compactMap(\.member?.email).filter {
            $0.hasSuffix("@\(workspace.slug).example")
          })
      }
      try await eventually("the events of both workspaces") {
        try await reader.read(waiting: 1)
        return workspaces.allSatisfy { mails(of: $0).count == 5 }
      }
      for events in Dictionary(grouping: reader.events, by: \.workspace).values {
        let sequences = events.compactMap(\.sequence)
        #expect(sequences == (0..<Int64(events.count)).map { (sequences.first ?? 0) + $0 })
      }
      let named = try await client.all("&workspace=\(workspaces[0].slug)")
      #expect(Set(named.map(\.workspace)).count == 1)
      #expect(named.compactMap(\.sequence) == Array(1...Int64(max(1, named.count))))
      let two = try await client.all("&workspace=\(workspaces[0].slug),\(workspaces[1].slug)")
      #expect(Set(two.map(\.workspace)).count == 2)
      let snapshot = try await client.snapshot()
      let addresses = Set(snapshot.copy.members.values.compactMap(\.email))
      for workspace in workspaces { #expect(addresses.isSuperset(of: (0..<5).map { "feed\($0)@\(workspace.slug).example" })) }
    }

    @Test("A request that waits is answered with the next event, and with an empty page when its process stops")
    func waiting() async throws {
      let deployment = try await Deployment.shared()
      let workspace = try await deployment.workspace()
      let client = EventsClient(deployment: deployment, token: try await workspace.eventsToken())
      let start = try await client.page("?after=latest")
      async let next = client.page("?wait=30&after=\(start.cursor)")
      _ = try await workspace.identityProvider.create("next@\(workspace.slug).example")
      let page = try await next
      #expect(page.events.first?.type == .memberInvited)
      #expect(page.events.first?.member?.email == "next@\(workspace.slug).example")

      let latest = try await client.page("?after=latest")
      async let interrupted = client.page("?wait=30&after=\(latest.cursor)")
      try await deployment.replaceEdge()
      let empty = try await interrupted
      #expect(empty.events.isEmpty && empty.cursor == latest.cursor)
    }
  }
}

/// A client of the events API with a token.
struct EventsClient: Sendable {
  let deployment: Deployment
  let token: String

  /// A page of events.
  struct Page: Sendable {
    var events: [DirectoryEvent]
    var cursor: String
    var hasMore: Bool
  }

  /// Reads a page. A request that a restart interrupts is sent again.
  func page(_ query: String) async throws -> Page {
    let answer = try await get(query)
    let events = try (answer.json["events"] as? [[String: Any]] ?? []).map { event in
      let data = try JSONSerialization.data(withJSONObject: try #require(event["data"]))
      let read = try DirectoryEvent(id: try #require(event["id"] as? String), data: Array(data))
      #expect(event["type"] as? String == read.type.rawValue)
      #expect(event["workspace"] as? String == read.workspace.description)
      #expect((event["sequence"] as? Int).map(Int64.init) == read.sequence)
      return read
    }
    return Page(
      events: events, cursor: try #require(answer.json["cursor"] as? String), hasMore: try #require(answer.json["hasMore"] as? Bool))
  }

  /// Reads all stored events in pages.
  func all(_ query: String) async throws -> [DirectoryEvent] {
    var (events, after, hasMore) = ([DirectoryEvent](), "", true)
    while hasMore {
      let page = try await page("?limit=50&after=\(after)\(query)")
      events += page.events
      (after, hasMore) = (page.cursor, page.hasMore)
    }
    return events
  }

  func snapshot() async throws -> DirectorySnapshotLines { try DirectorySnapshotLines(try await get("/snapshot").text) }

  private func get(_ path: String) async throws -> HTTPResponse {
    let url = deployment.directoryURL.replacingOccurrences(of: "/directory", with: "/events\(path)")
    var found: HTTPResponse?
    try await eventually("a response to \(path)") {
      let answer = try await HTTP.send("GET", url, headers: ["Authorization": "Bearer \(token)"])
      found = answer
      return answer.status != 503
    }
    let answer = try #require(found)
    #expect(answer.status == 200, "\(path): \(answer.text)")
    return answer
  }

  /// A reader that starts with the oldest event, or after a cursor.
  func reader(after cursor: String = "") -> EventReader { EventReader(client: self, cursor: cursor) }
}

/// A product that reads events and keeps a copy of the directory.
struct EventReader: Sendable {
  let client: EventsClient
  private(set) var cursor: String
  private(set) var events: [DirectoryEvent] = []
  private(set) var copy = DirectoryCopy()

  init(client: EventsClient, cursor: String) {
    self.client = client
    self.cursor = cursor
  }

  /// Reads to the end of the stored events, in small pages.
  mutating func read(waiting seconds: Int) async throws {
    while true {
      let page = try await client.page("?limit=7&wait=\(seconds)&after=\(cursor)")
      for event in page.events { copy.apply(event) }
      events += page.events
      cursor = page.cursor
      if !page.hasMore { return }
    }
  }
}

/// A copy of the directory, as a product keeps it.
struct DirectoryCopy: Sendable, Equatable {
  var members: [UserID: DirectoryMember] = [:]
  var groups: [GroupID: String] = [:]
  var memberships: [GroupID: Set<UserID>] = [:]

  mutating func apply(_ event: DirectoryEvent) {
    switch event.type {
    case .memberDeleted: if let member = event.member { members[member.id] = nil }
    case .groupCreated, .groupUpdated: if let group = event.group { groups[group.id] = group.displayName }
    case .groupDeleted:
      if let group = event.group {
        groups[group.id] = nil
        memberships[group.id] = nil
      }
    case .groupMemberAdded:
      if let group = event.group, let member = event.member { memberships[group.id, default: []].insert(member.id) }
    case .groupMemberRemoved:
      if let group = event.group, let member = event.member {
        memberships[group.id]?.remove(member.id)
        if memberships[group.id]?.isEmpty == true { memberships[group.id] = nil }
      }
    default:
      if let member = event.member, member.state != nil { members[member.id] = member }
    }
  }
}

/// The lines of a snapshot.
struct DirectorySnapshotLines: Sendable {
  let cursor: String
  private(set) var copy = DirectoryCopy()

  /// Reads the lines, and expects that none is missing.
  init(_ text: String) throws {
    let lines = try text.split(separator: "\n").map { line in
      try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
    }
    let (first, last) = (try #require(lines.first), try #require(lines.last))
    #expect(first["type"] as? String == "snapshot" && last["type"] as? String == "end")
    cursor = try #require(first["cursor"] as? String)
    #expect(last["cursor"] as? String == cursor)
    var memberships = 0
    for line in lines.dropFirst().dropLast() {
      switch try #require(line["type"] as? String) {
      case "member":
        let member = try DirectoryMember(json: Array(try JSONSerialization.data(withJSONObject: try #require(line["member"]))))
        copy.members[member.id] = member
      case "group":
        let group = try #require(line["group"] as? [String: Any])
        copy.groups[try #require((group["id"] as? String).flatMap { GroupID($0) })] = group["displayName"] as? String
      default:
        memberships += 1
        let group = try #require((line["group"] as? String).flatMap { GroupID($0) })
        copy.memberships[group, default: []].insert(try #require((line["member"] as? String).flatMap { UserID($0) }))
      }
    }
    #expect(last["members"] as? Int == copy.members.count && last["groups"] as? Int == copy.groups.count)
    #expect(last["memberships"] as? Int == memberships)
  }
}

extension Workspace {
  /// Creates a token with the scope `events`.
  fileprivate func eventsToken() async throws -> String {
    let printed = try await scimctl(["token", "issue", "--name", "events", "--scope", "events"])
    return try #require(printed.split(whereSeparator: \.isWhitespace).map(String.init).first { $0.hasPrefix("rollcall_") })
  }
}
