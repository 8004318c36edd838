import Foundation
import Models
import ProvisioningLog
import SCIM
import Testing

@testable import AdminConsole
@testable import EdgeHTTP
@testable import EdgeReads
@testable import ProductAPI
@testable import SCIMControllers
@testable import ScimAPI

@Suite("Member page and timeline")
struct MemberTimelineTests {
  private static let start = Date(timeIntervalSince1970: 1_767_225_600)

  @Test("A timeline merges all sources, latest first, in pages without gaps")
  func merging() {
    let mails = (0..<40).map { Timeline.Event(at: Self.start + Double($0), kind: .mailed(.sent, reason: "\($0)")) }
    let others = (0..<30).map { Timeline.Event(at: Self.start + Double($0) + 0.5, kind: .held(.userDisabled, by: "\($0)")) }
    var before = Date.distantFuture
    var seen: [Timeline.Event] = []
    while true {
      // Each source returns at most one more than a page.
      let sources = [mails, others].map { source in
        Array(source.filter { $0.at < before }.sorted { $0.at > $1.at }.prefix(Timeline.pageSize + 1))
      }
      let timeline = Timeline(merging: sources)
      #expect(timeline.events.count <= Timeline.pageSize)
      seen += timeline.events
      guard let next = timeline.next else { break }
      before = next
    }
    #expect(seen.count == 70)
    #expect(seen.map(\.at) == seen.map(\.at).sorted(by: >))
  }

  @Test("Events with the same time are never split between two pages")
  func ties() {
    let events = (0..<40).map { Timeline.Event(at: Self.start + ($0 < 20 ? 1 : 0), kind: .mailed(.sent, reason: "\($0)")) }
    let timeline = Timeline(merging: [events])
    #expect(timeline.events.count == 40)
    #expect(timeline.next == nil)
    let earlier = Timeline.Event(at: Self.start - 1, kind: .added)
    let more = Timeline(merging: [events, [earlier]])
    #expect(more.events.count == 40)
    #expect(more.next == Self.start)
  }

  @Test("Times have millisecond precision, like ids of the log")
  func moments() {
    let time = Date(timeIntervalSince1970: 1_767_225_600.123_9)
    let id = TimelineQuery.lowestLogEntry(at: Timeline.truncated(time))
    #expect(id <= LogEntryID.made(at: time))
    #expect(TimelineQuery.lowestLogEntry(at: time + 0.001) > LogEntryID.made(at: time))
    #expect(TimelineQuery.lowestLogEntry(at: .distantFuture) > LogEntryID.made(at: time))
  }

  @Test("Requests of the identity provider are described, rejected ones with status and error")
  func pushes() {
    func words(_ method: String, _ path: String, _ status: Int, _ change: (inout LogEntry) -> Void = { _ in }) -> TimelineEventView {
      var entry = LogEntry(
        id: .made(at: Self.start), workspace: .made(at: Self.start), at: Self.start, method: method, path: path, status: status,
        milliseconds: 1)
      entry.identityProvider = "okta"
      change(&entry)
      return TimelineEventView(Timeline.Event(at: Self.start, kind: .pushed(entry)))
    }
    #expect(words("POST", "/api/v2/scim/Users", 201).eventTitle == "Okta added them")
    #expect(words("PATCH", "/api/v2/scim/Users/x", 200).eventTitle == "Okta updated them")
    #expect(words("DELETE", "/api/v2/scim/Users/x", 204) { $0.identityProvider = nil }.eventTitle == "The identity provider deleted them")
    let failed = words("PUT", "/api/v2/scim/Users/x", 400) {
      $0.detail = "no such role"
      $0.replayOf = .made(at: Self.start)
    }
    #expect(failed.eventTitle == "Okta tried to update them: rejected with 400, resent by an admin")
    #expect((failed.eventTone, failed.eventDetail) == ("bad", "no such role"))
    #expect(failed.eventPath?.hasPrefix("/console/provisioning/entries/") == true)
  }

  @Test("Other events are described")
  func words() {
    let token = TokenID.made(at: Self.start)
    let actors = ActorNames(names: [token: "Okta"])
    func words(_ kind: Timeline.Kind) -> TimelineEventView { TimelineEventView(Timeline.Event(at: Self.start, kind: kind), actors: actors) }
    let mail = words(.mailed(.bounced, reason: "reported by the mail system: full"))
    #expect((mail.eventTitle, mail.eventDetail) == ("Invitation: bounced", "Reported by the mail system: full"))
    let held = words(.held(.userDisabled, by: "token:\(token)"))
    #expect((held.eventTitle, held.eventDetail) == ("Held for approval: disabling them", "Requested by “Okta”."))
    #expect(words(.decided(.userDeleted, .reject, by: "operator:ana")).eventDetail == "By ana (scimctl).")
    let groups = (1...7).map { DeprovisionReceipt.LostGroup(id: .made(at: Self.start), displayName: "Team \($0)", wasVisible: $0 > 1) }
    let receipt = DeprovisionReceipt(
      id: .made(at: Self.start), workspace: .made(at: Self.start), member: .made(at: Self.start), memberVersion: 3, reason: .disabled,
      revokedAt: Self.start, invitationRevoked: true, groups: groups, events: [])
    let ended = words(.accessEnded(receipt))
    #expect(ended.eventTitle == "Access ended: disabled")
    #expect(
      ended.eventDetail
        == "No longer visible in Team 2, Team 3, Team 4, Team 5, Team 6 and 1 more. Their invitation was revoked. Receipt \(receipt.id).")
  }

  @Test("The identity provider's data is shown as attributes and as ordered JSON")
  func attributes() throws {
    let json = try JSON(
      parsing: #"""
        {"schemas":["a"],"id":"x","userName":"ana","name":{"familyName":"Silva","givenName":"Ana"},"active":true,
         "emails":[{"value":"a@x.example","type":"work","primary":true},{"value":"b@x.example"}],"nickName":null,
         "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"employeeNumber":"7","manager":{"value":"9","displayName":"Bo"}},
         "tags":["one","two"],"meta":{"resourceType":"User"}}
        """#)
    let attributes = ResourceAttributes.attributes(of: try #require(json.object))
    #expect(
      attributes.map(\.attributeName) == [
        "User name", "Name", "Active", "Emails", "Employee number (enterprise)", "Manager (enterprise)", "Tags",
      ])
    #expect(attributes[1].attributeValues == ["family name: Silva, given name: Ana"])
    #expect(attributes[3].attributeValues == ["a@x.example (work, primary)", "b@x.example"])
    #expect(attributes[2].attributeValues == ["yes"])
    #expect(attributes.last?.attributeValues == ["one", "two"])
    #expect(try JSON(parsing: json.pretty) == json)
    #expect(json.pretty.hasPrefix("{\n  \"schemas\": [\n    \"a\"\n  ],\n  \"id\": \"x\","))
    #expect((JSON.array([]).pretty, JSON.object([:]).pretty) == ("[]", "{}"))
  }

  @Test("The page refreshes while an invitation is being sent, and up to a minute after an action until it takes effect")
  func live() throws {
    func isLive(_ state: InvitationState, due: Date? = nil, changedAt: Date = Self.start - 100, orderedAt: Date? = nil) throws -> Bool {
      var invitation = StoredInvitation.sample(state)
      (invitation.nextAttemptAt, invitation.changedAt) = (due, changedAt)
      let member = StoredMember.sample("ana", .invited, document: #"{"userName":"ana","meta":{"resourceType":"User""#)
      let timeline = TimelineView(Timeline(merging: []), of: member.id, isOlder: false, actors: ActorNames()) { _ in "" }
      return try MemberView(
        member, groups: [], invitations: [invitation], timeline: timeline, workspace: .sample, orderedAt: orderedAt, at: Self.start
      ).isLive
    }
    #expect(try isLive(.sending))
    #expect(try isLive(.scheduled, due: Self.start))
    #expect(try !isLive(.scheduled, due: Self.start + 3600))
    #expect(try !isLive(.sent))
    #expect(try isLive(.sent, orderedAt: Self.start - 5))
    #expect(try !isLive(.sent, changedAt: Self.start - 1, orderedAt: Self.start - 5))
    #expect(try !isLive(.sent, orderedAt: Self.start - 61))
  }
}
