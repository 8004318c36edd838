import Foundation
import Models
import ProvisioningLog
import SCIM
import Testing

@testable import ScimctlCommands

@Suite("Bodies of the management API as tables")
struct DataRowTests {
  private static let id = "01a20c81-86d0-7f41-8f52-0c7d3a6f5a10"

  private func row<Row: Decodable>(_: Row.Type = Row.self, _ json: String) throws -> Row {
    try JSONData.decode(from: Array(json.utf8), type: "row")
  }

  @Test("Users and groups are rows with their names and numbers")
  func users() throws {
    let user: UserRow = try row(
      #"{"id":"\#(Self.id)","userName":"ana","email":"ana@example.com","state":"invited","role":"viewer","groups":2}"#)
    #expect(UserRow.table(of: [user]).lines == ["ana  invited  viewer  ana@example.com  \(Self.id)"])
    let group: GroupRow = try row(#"{"id":"\#(Self.id)","displayName":"Data team","modifiedAt":"2026-01-31T09:00:00Z"}"#)
    let lines = GroupRow.table(of: [group]).lines
    #expect(lines == ["\(Self.id)  -        -        -     Data team"], "the directory has not processed it yet: \(lines)")
    #expect(try [user].only(named: "ana") == user && [UserRow]().only(named: "ana") == nil)
    #expect(throws: ScimctlError.self) { try [user, user].only(named: "ana") }
  }

  @Test("A user is shown with groups, invitations and the sign-in link")
  func userDetails() throws {
    let user: UserDetails = try row(
      #"""
      {"id":"\#(Self.id)","userName":"ana","state":"invited","role":"viewer","version":3,"createdAt":"2026-01-31T09:00:00Z",
       "modifiedAt":"2026-01-31T09:00:00Z","hasMoreGroups":true,"signInLink":"https://app.example.com/","accountId":"4711",
       "groups":[{"id":"\#(Self.id)","displayName":"Data","status":"pending","waitsFor":"the first sign-in"}],
       "invitations":[{"id":"\#(Self.id)","state":"sent","isDigest":false,"createdAt":"2026-01-31T09:00:00Z","changedAt":"2026-01-31T09:01:00Z"}],
       "resource":{"schemas":[]}}
      """#)
    let text = user.description.lines.joined(separator: "\n")
    for part in ["Data (waits for the first sign-in)", "and others", "sent since 2026-01-31T09:01:00", "https://app.example.com/", "4711"] {
      #expect(text.contains(part), "\(text)")
    }
  }

  @Test("An event of a timeline has its further members as details")
  func timeline() throws {
    let event = try TimelineRow(response: ["at": "2026-01-31T09:00:00Z", "type": "request", "status": 404, "method": "PATCH"])
    #expect(TimelineRow.table(of: [event]).lines == ["2026-01-31T09:00:00Z  request  status 404, method PATCH"])
    #expect(throws: ScimctlError.self) { try TimelineRow(response: ["type": "request"]) }
  }

  @Test(
    "The effect of a held change is described, also one of a later server",
    arguments: [
      ("members-removed", "3 of 4 members leave"), ("group-deleted", "is deleted, with 4 members"), ("user-disabled", "is disabled"),
      ("role-changed", "loses the role admin"), ("moved-to-mars", "moved-to-mars"),
    ])
  func heldChanges(kind: String, effect: String) throws {
    let change: HeldChangeRow = try row(
      #"""
      {"id":"\#(Self.id)","kind":"\#(kind)","status":"pending","resource":{"type":"Group","id":"\#(Self.id)","exists":false},
       "members":4,"leaving":3,"requestedBy":"Okta","heldAt":"2026-01-31T09:00:00Z","requestedAt":"2026-01-31T09:00:00Z",
       "leavers":["ana"],"hasMoreLeavers":true,"notice":{"state":"sent","changedAt":"2026-01-31T09:02:00Z","mailServerAnswer":"250 OK"}}
      """#)
    #expect(change.effect.hasPrefix(effect))
    let text = change.description.lines.joined(separator: "\n")
    #expect(text.contains("(deleted), \(Self.id)") && text.contains("notified 2026-01-31T09:02:00"), "\(text)")
    #expect(change.leaverLines == ["leaves: ana", "leaves: and others"])
  }

  @Test(
    "The mail about a held change is described",
    arguments: [("waiting", "next mail"), ("sent", "notified"), ("scheduled", "is being notified"), ("failed", "the mail was failed")])
  func notices(state: String, text: String) {
    #expect(HeldChangeRow.Notice(state: state).text.contains(text))
  }

  @Test("An entry of the audit trail is the same, whether the server or the database returned it")
  func audit() throws {
    let entry: JSON = [
      "id": .string(Self.id), "at": "2026-01-31T09:00:00.000Z", "actor": "operator:ana", "actorName": "ana (scimctl)",
      "action": "update-workspace", "target": "workspace", "outcome": "rejected", "status": 412, "detail": "Changed.",
      "changes": ["after": ["plan": "free"]],
    ]
    let row = try AuditRow(response: entry)
    #expect(row.outcome == "refused-412" && row.summary == #"{"after":{"plan":"free"}}"#)
    #expect(row.description.lines.contains { $0.hasPrefix("after plan") && $0.hasSuffix("\"free\"") })
    #expect(row.json.contains(#""outcome":"refused-412""#) && row.json.hasSuffix(#""summary":{"after":{"plan":"free"}}}"#))
    #expect(throws: ScimctlError.self) { try AuditRow(response: ["id": .string(Self.id)]) }
  }

  @Test("An entry of the log is read back from the form of the management API")
  func logEntry() throws {
    let workspace = WorkspaceID.made(at: .now)
    var entry = LogEntry(
      id: .made(at: Date(timeIntervalSince1970: 1_769_850_000)), workspace: workspace, at: Date(timeIntervalSince1970: 1_769_850_000),
      method: "PATCH", path: "/api/v2/scim/Users/\(Self.id)", status: 404, milliseconds: 12.345)
    (entry.resourceType, entry.resource, entry.name) = (.user, ResourceID(Self.id), "ana")
    entry.body = LoggedBody(bytes: 20, content: .whole(["active": false], removed: ["password"]))
    // What the management API changes in the stored form.
    var object = try #require(try JSON(parsing: entry.json()).object)
    for key in ["workspace", "resourceType", "name", "microseconds"] { object[key] = nil }
    object["resource"] = ["type": "User", "id": .string(Self.id), "name": "ana", "exists": false]
    object["milliseconds"] = .decimal("12.345")
    object["diagnosis"] = ["cause": "staleUser", "summary": "S", "explanation": "It is gone.", "fix": "Assign it again."]
    object["canReplay"] = true
    let found = try DiagnosedEntry(response: .object(object), in: workspace)
    #expect(found.entry == entry)
    #expect(found.diagnosis == Diagnosis(cause: .staleUser, explanation: "It is gone.", fix: "Assign it again."))
    #expect(throws: ScimctlError.self) { try DiagnosedEntry(response: ["id": "x"], in: workspace) }
  }

  @Test("Entries of the log in lists are rows, with what the server leaves out")
  func logRows() throws {
    let entry: LogRow = try row(
      #"""
      {"id":"\#(Self.id)","at":"2026-01-31T09:00:00Z","method":"POST","path":"/api/v2/scim/Users","status":200,"isPartlyApplied":true,
       "resource":{"type":"User","id":"\#(Self.id)","name":"ana","exists":true},"tokenName":"Okta"}
      """#)
    let bulk: LogRow = try row(
      #"""
      {"id":"\#(Self.id)","at":"2026-01-31T09:00:00Z","method":"POST","path":"/api/v2/scim/Bulk","status":200,"isPartlyApplied":false,
       "operations":{"count":7,"failed":2}}
      """#)
    let lines = LogRow.table(of: [entry, bulk]).lines
    #expect(lines[0].contains("/Users  ana") && lines[0].hasSuffix("partly applied"), "\(lines)")
    #expect(lines[1].hasSuffix("2 of 7 operations failed"))
  }

  @Test("Webhooks and deliveries are rows, and a stuck event is named")
  func webhooks() throws {
    let webhook: WebhookRow = try row(
      #"""
      {"id":"\#(Self.id)","url":"https://app.example.com/","description":"","types":null,"state":"disabled","disabledReason":"Broken",
       "disabledAt":"2026-01-31T09:00:00Z","createdAt":"2026-01-31T09:00:00Z","modifiedAt":"2026-01-31T09:00:00Z",
       "failing":[{"workspace":"\#(Self.id)","lastSequence":16,"failedAttempts":3,"lastError":"status 500"}]}
      """#)
    #expect(WebhookRow.table(of: [webhook]).lines[0].contains("disabled  all  https://app.example.com/"))
    let text = webhook.details.lines.joined(separator: "\n")
    #expect(text.contains("event 17 after 3 attempts: status 500") && text.contains(": Broken"), "\(text)")
    let delivery: WebhookDeliveryRow = try row(
      #"""
      {"id":"\#(Self.id)","at":"2026-01-31T09:00:00Z","workspace":"\#(Self.id)","sequence":null,"event":"e","type":"webhook.test",
       "webhookId":"m","attempt":1,"isAhead":false,"isDelivered":false,"url":"https://app.example.com/","durationMilliseconds":12,
       "error":"status 500","response":{"status":500,"head":"a: b"}}
      """#)
    #expect(WebhookDeliveryRow.table(of: [delivery]).lines[0].contains("failed  500  12  webhook.test  -  1  e  status 500"))
  }

  @Test(
    "An event names its member or group",
    arguments: [
      (#"{"member":{"id":"1","email":"ana@example.com"}}"#, "ana@example.com"), (#"{"member":{"id":"1"}}"#, "1"),
      (#"{"group":{"id":"2","displayName":"Data"}}"#, "Data"), (#"{"member":{"id":"1"},"group":{"id":"2"}}"#, "1 in 2"),
    ])
  func events(data: String, subject: String) throws {
    let event = try EventRow(
      response: [
        "id": "a", "type": "t", "workspace": .string(Self.id), "sequence": 4, "time": "2026-01-31T09:00:00Z",
        "data": try JSON(parsing: data),
      ])
    #expect(event.subject == subject)
    #expect(EventRow.table(of: [event]).lines[0].hasPrefix("2026-01-31T09:00:00Z  4  t  \(subject)"))
  }

  @Test("A snapshot is complete if its last line is the end, however it is cut into parts")
  func lastLine() {
    let text = "{\"type\":\"snapshot\"}\n{\"type\":\"end\",\"members\":1}\n"
    for size in [1, 7, 1000] {
      var last = LastLine()
      var rest = Array(text.utf8)[...]
      while !rest.isEmpty {
        last.append(Array(rest.prefix(size)))
        rest = rest.dropFirst(size)
      }
      #expect(last.endsSnapshot, "in parts of \(size)")
    }
    for incomplete in ["", "{\"type\":\"snapshot\"}\n", String(text.dropLast()), String(text.dropLast(5))] {
      var last = LastLine()
      last.append(Array(incomplete.utf8))
      #expect(!last.endsSnapshot, "\(incomplete)")
    }
  }

  @Test("A difference of the directory is read with its subject")
  func differences() throws {
    let (user, group) = (try #require(UserID(Self.id)), try #require(GroupID(Self.id)))
    let id = JSON.string(Self.id)
    for (json, subject) in [
      (["member": id, "difference": "d"], .user(user)), (["group": id, "difference": "d"], .group(group)),
      (["member": id, "group": id, "difference": "d"], .membership(group, user)),
    ] as [(JSON, DirectoryDifference.Subject)] {
      #expect(try DirectoryDifference(response: json) == DirectoryDifference(subject: subject, description: "d"))
    }
    #expect(throws: ScimctlError.self) { try DirectoryDifference(response: ["type": "member"]) }
  }
}
