import Foundation
import Testing

@testable import Models

@Suite("Directory events")
struct DirectoryEventTests {
  private static let time = Date(timeIntervalSince1970: 1_767_225_600.25)
  private static let workspace = WorkspaceID.made(at: time)

  private static let full = DirectoryMember(
    id: .made(at: time), externalID: "00u1", accountID: "4711", userName: "ana", email: "ana@example.com",
    displayName: "Ana \"Zoë\" Silva/🎈", givenName: "Ana", familyName: "Silva", role: "editor", state: .active, title: "Engineer",
    department: "R&D", manager: ManagerReference(value: "26118915", displayName: "Eva"),
    attributes: [
      "urn:example:acme:2.0:User": .object([
        "floor": .integer(-3), "share": .decimal(Decimal(string: "1.5") ?? 0),
        "tags": .array([.string("a"), .null, .bool(true), .array([])]),
      ]), "urn:example:empty:2.0:User": .object([:]),
    ], version: 3)

  private static let members: [DirectoryMember] = [
    full, DirectoryMember(id: .made(at: time), version: 999_999_999_999_999_999), DirectoryMember(id: .made(at: time), version: .max),
    DirectoryMember(id: .made(at: time), userName: "", state: .invited, manager: ManagerReference(), attributes: [:], version: 1),
  ]

  private static var events: [DirectoryEvent] {
    var events = DirectoryEvent.Kind.allCases.map { type in
      DirectoryEvent(
        workspace: workspace, id: "1/\(type.rawValue)", type: type, sequence: 42, member: full,
        group: .init(id: .made(at: time), displayName: "Data team", version: 4),
        changes: [
          "title": .init(from: .null, to: .string("Engineer")), "manager": .init(from: .object(["value": .string("1")]), to: .null),
        ],
        reason: type == .accessRevoked ? .deleted : nil, changedAt: time)
    }
    events += members.map { DirectoryEvent(workspace: workspace, id: "2", type: .memberInvited, member: $0, changedAt: time) }
    events.append(DirectoryEvent(workspace: workspace, id: "3", type: .memberUpdated, member: full, changes: [:], changedAt: time))
    events.append(
      DirectoryEvent(
        workspace: workspace, id: "4", type: .workspaceSeatsWarning, sequence: 1, seats: .init(used: 9, limit: 10), changedAt: time))
    return events
  }

  @Test("round-trip, with the id in the attributes of the message and not in its data", arguments: events)
  func roundTrip(event: DirectoryEvent) throws {
    var sent = try event.cloudEvent(source: "group-sync/0", traceparent: nil)
    #expect(sent.type == "rollcall.directory.\(event.type.rawValue).v2" && sent.id == event.id && sent.time == event.changedAt)
    #expect(try DirectoryEvent(CloudEvent(headers: sent.headers, data: sent.data)) == event)
    let data = try #require(try JSONSerialization.jsonObject(with: Data(sent.data)) as? [String: Any])
    #expect(data["id"] == nil && data["type"] as? String == event.type.rawValue)
    sent.type = "rollcall.directory.other.v2"
    #expect(throws: MessageError.unknownType(sent.type)) { try DirectoryEvent(sent) }
  }

  @Test("have the JSON of the encoder, byte by byte", arguments: events)
  func encoded(event: DirectoryEvent) throws {
    #expect(try String(decoding: event.json(), as: UTF8.self) == String(decoding: JSONData.encode(event), as: UTF8.self))
  }

  @Test("have members that are read as the decoder reads them", arguments: members)
  func member(member: DirectoryMember) throws {
    let json = member.json()
    #expect(String(decoding: json, as: UTF8.self) == String(decoding: try JSONData.encode(member), as: UTF8.self))
    #expect(try DirectoryMember(json: json) == member)
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<2000 {
      var changed = json
      changed[Int.random(in: changed.indices, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
      guard let read = DirectoryMember(plainJSON: changed) else { continue }
      #expect(try JSONData.decode(DirectoryMember.self, from: changed, type: "t") == read, "\(String(decoding: changed, as: UTF8.self))")
    }
  }

  @Test("have usual members that need no decoder")
  func withoutDecoder() {
    var member = Self.full
    member.displayName = "Ana Silva"
    member.attributes = nil
    #expect(DirectoryMember(plainJSON: member.json()) == member)
  }

  @Test("with malformed data are rejected, and the error names the key")
  func malformed() throws {
    let error = #expect(throws: MessageError.self) {
      try DirectoryEvent(
        id: "1", data: Array(#"{"workspace":"\#(Self.workspace)","type":"member.lost","changedAt":"2026-01-31T09:30:00Z"}"#.utf8))
    }
    #expect("\(try #require(error))".contains("type"))
  }

  @Test("of receipts of the first version have the types of today")
  func formerReceipt() throws {
    let json = #"[{"change":"access-revoked","id":"1"},{"change":"member-disabled","id":"2"},{"change":"membership-removed","id":"3"}]"#
    let events: [DeprovisionReceipt.SentEvent] = try JSONData.decode(from: Array(json.utf8), type: "receipt")
    #expect(events.map(\.change) == [.accessRevoked, .memberDisabled, .groupMemberRemoved])
    let current: [DeprovisionReceipt.SentEvent] = try JSONData.decode(from: try JSONData.encode(events), type: "receipt")
    #expect(current == events)
    #expect(throws: MessageError.self) {
      let unknown: [DeprovisionReceipt.SentEvent] = try JSONData.decode(from: Array(#"[{"change":"lost","id":"1"}]"#.utf8), type: "receipt")
      _ = unknown
    }
  }
}
