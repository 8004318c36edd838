import Foundation
import HTTPTypes
import Hummingbird
import Models
import NIOCore
import SCIM
import Testing

@testable import AdminConsole
@testable import EdgeHTTP
@testable import EdgeReads
@testable import ProductAPI
@testable import SCIMControllers
@testable import ScimAPI

@Suite("The members page")
struct MembersViewTests {
  private static let now = Date(timeIntervalSince1970: 1_767_225_600)

  @Test("An invitation's state is described, with the reason and the next mail")
  func words() {
    func words(_ state: InvitationState, _ change: (inout StoredInvitation) -> Void = { _ in }) -> InvitationStatusView {
      var invitation = StoredInvitation.sample(state)
      change(&invitation)
      return InvitationStatusView(invitation, at: Self.now)
    }
    let later = Self.now + 3600
    #expect(words(.scheduled) { $0.nextAttemptAt = later }.label == "Scheduled")
    #expect(words(.scheduled) { $0.nextAttemptAt = later }.nextMail == "2026-01-01T01:00:00.000Z")
    #expect(words(.scheduled) { $0.nextAttemptAt = Self.now }.label == "Sending")
    #expect(words(.scheduled) { $0.isDigest = true }.explanation == "Goes to the administrator in the next digest.")
    let again = words(.scheduled) {
      $0.nextAttemptAt = later
      $0.attempts = 2
      $0.answer = "451 try later"
    }
    #expect((again.tone, again.label, again.explanation) == ("warn", "Retrying", "451 try later"))
    #expect(words(.sending).label == "Sending")
    #expect(words(.sent).tone == "good")
    #expect(words(.sent) { $0.messageNumber = 2 }.label == "Sent, with reminder 2")
    let reminding = words(.sent) { ($0.messageNumber, $0.nextAttemptAt) = (1, later) }
    #expect((reminding.label, reminding.nextMail) == ("Sent", "2026-01-01T01:00:00.000Z"))
    #expect(words(.delivered).label == "Delivered")
    let bounced = words(.bounced) { $0.reason = "reported by the mail system: mailbox full" }
    #expect((bounced.tone, bounced.label, bounced.explanation) == ("bad", "Bounced", "Reported by the mail system: mailbox full"))
    #expect(words(.failed) { $0.answer = "550 no" }.explanation == "550 no")
    #expect((words(.revoked).tone, words(.expired).tone, words(.accepted).tone) == ("warn", "warn", "good"))
  }

  @Test("Actors are shown by name")
  func actors() {
    let (token, gone) = (TokenID.made(at: Self.now), TokenID.made(at: Self.now))
    let texts = ["token:\(token) sent another one", "operator:ana revoked it", "client:\(gone): no", "sent at 10:30"]
    #expect(ActorNames.tokens(in: texts) == [token, gone].sorted())
    let names = ActorNames(names: [token: "Help desk"])
    #expect(
      texts.map(names.displayText) == [
        "“Help desk” sent another one", "ana (scimctl) revoked it", "a deleted token: no", "sent at 10:30",
      ])
  }

  @Test(
    "The URL of a page is parsed to the same query, whatever text it contains", arguments: ["ana+b@x.example", "a&state=b", "ü ;%"])
  func addresses(text: String) throws {
    for query in [
      MembersRequest.Query.search(text, in: nil), .search(text, in: .invited), .list(.disabled, by: .newest), .list(.active, by: .name),
    ] {
      let path = MembersRequest(query, cursor: nil).path
      let queryText = path.split(separator: "?", maxSplits: 1).dropFirst().first.map(String.init)
      #expect(try MembersRequest(QueryParameters(queryText)).query == query, "\(path)")
    }
    #expect(throws: APIError.self) { try MembersRequest(QueryParameters("state=gone")) }
  }

  @Test("Tabs have counts, pages link to the next one, and a truncated search says so")
  func tabs() throws {
    let people = (1...60).map { MemberSummary.sample("Person \($0)", .active) }
    func view(_ query: MembersRequest.Query, _ found: [MemberSummary], cursor: String? = nil) -> MembersView {
      MembersView(
        MembersRequest(query, cursor: cursor), found, totals: .init(invited: 3, active: 1_234_567, disabled: 0), workspace: .sample,
        at: Self.now
      ) { "after-\($0.name.text)" }
    }
    let first = view(.list(.active, by: .name), Array(people.prefix(51)))
    #expect(first.tabs.map(\.tabName) == ["Active", "Invited", "Disabled"])
    #expect(first.tabs.map(\.tabCount) == ["1,234,567", "3", "0"])
    #expect(first.tabs.map(\.isCurrent) == [true, false, false])
    #expect(first.rows.count == 50)
    #expect(first.pager?.next == "/console/members?cursor=after-Person%2050")
    #expect(first.pager?.first == nil)
    #expect(view(.list(.active, by: .name), Array(people.prefix(50))).pager == nil)
    #expect(view(.list(.active, by: .newest), [], cursor: "x").pager == .init(first: "/console/members?order=newest", next: nil))
    let searched = view(.search("per", in: nil), people)
    #expect(searched.isCut)
    #expect(searched.pager == nil)
    #expect(searched.tabs.map(\.tabName) == ["All", "Active", "Invited", "Disabled"])
    #expect(searched.tabs.last?.tabPath == "/console/members?q=per&state=disabled")
    #expect(view(.search("x", in: nil), []).emptyTitle == "No members found")
  }

  @Test("A row has a name, a few groups, and actions only for invited members")
  func rows() {
    var member = MemberSummary.sample("ana@example.com", .invited)
    member.name = PersonName(userName: "ana@example.com", displayName: "", givenName: "Ana", familyName: "Silva")
    member.groups = ["Data", "Sales", "Ops"]
    member.groupCount = 6
    member.invitation = .sample(.sent)
    let row = MembersView.Row(member, actors: ActorNames(), at: Self.now)
    #expect((row.memberName, row.address) == ("Ana Silva", "ana@example.com"))
    #expect((row.groupNames, row.furtherGroups) == ("Data, Sales, Ops", "+3"))
    #expect(row.actions?.canRevoke == true)
    #expect(row.mail?.label == "Sent")
    member.groupCount = MemberSummary.maximumGroups
    #expect(MembersView.Row(member, actors: ActorNames(), at: Self.now).furtherGroups == "+97 or more")
    member.invitation = .sample(.revoked)
    #expect(MembersView.Row(member, actors: ActorNames(), at: Self.now).actions?.canRevoke == false)
    member.state = .active
    let active = MembersView.Row(member, actors: ActorNames(), at: Self.now)
    #expect(active.actions == nil)
    #expect(active.mail == nil)
  }

  @Test("Markup in names, groups, reasons and searches is escaped")
  func escaping() async throws {
    // U+0600 and U+0301 form grapheme clusters with their neighbours, so that `<` and `"` are not equal to a Character; browsers ignore that.
    let markup = "<script>alert('x')</script>\"><img src=x onerror=alert(1)>\u{600}<b\u{600}>\"\u{301}'\u{301}&\u{301}"
    let raw = ["\u{600}<", "\u{600}>", "\"\u{301}", "'\u{301}", "&\u{301}"].map { Array($0.unicodeScalars) }
    var member = MemberSummary.sample(markup, .invited)
    (member.email, member.role, member.groups, member.groupCount) = (markup, markup, [markup], 1)
    member.invitation = .sample(.bounced)
    member.invitation?.reason = markup
    let list = MembersView(
      MembersRequest(.search(markup, in: nil)), [member], totals: .init(), workspace: .sample, at: Self.now
    ) { _ in "" }
    let page = ConsolePage(
      title: markup, section: .members, template: try ConsoleTemplate(PackageResources.members_mustache), values: list)
    let html = try await page.html()
    #expect(html.components(separatedBy: "alert(").count > 5)
    #expect(!html.contains("<script>alert"))
    #expect(!html.contains("<img"))
    #expect(raw.filter { html.unicodeScalars.contains($0) } == [])
    // Every action is a form with the session's form token.
    #expect(html.components(separatedBy: "method=\"post\"").count == html.components(separatedBy: "name=\"formToken\"").count)

    let stored = StoredMember.sample(
      markup, .active, document: #"{"schemas":["x"],"title":\#(Self.json(markup)),"meta":{"resourceType":"User""#)
    let timeline = TimelineView(
      Timeline(merging: [[.init(at: Self.now, kind: .mailed(.bounced, reason: markup))]]), of: stored.id, isOlder: false,
      actors: ActorNames()
    ) { _ in "" }
    let membership = GroupMembership(group: .made(at: Self.now), name: markup, status: .pending, waitsFor: markup)
    let view = try MemberView(
      stored, groups: [membership], invitations: [try #require(member.invitation)], timeline: timeline, workspace: .sample, at: Self.now)
    let whole = try await ConsolePage(
      title: markup, section: .members, template: try ConsoleTemplate(PackageResources.member_mustache), values: view
    ).html()
    #expect(whole.components(separatedBy: "alert(").count > 6)
    #expect(!whole.contains("<script>alert"))
    #expect(!whole.contains("<img"))
    #expect(raw.filter { whole.unicodeScalars.contains($0) } == [])
  }

  private static func json(_ text: String) -> String { String(decoding: JSON.string(text).serialized(), as: UTF8.self) }
}

extension StoredInvitation {
  static func sample(_ state: InvitationState) -> StoredInvitation {
    let time = Date(timeIntervalSince1970: 1_767_225_000)
    return StoredInvitation(id: .made(at: time), state: state, createdAt: time, changedAt: time)
  }
}

extension MemberSummary {
  static func sample(_ name: String, _ state: UserState) -> MemberSummary {
    MemberSummary(
      id: .made(at: Date()), name: PersonName(userName: name), email: nil, state: state, role: "viewer", nameKey: name.lowercased(),
      groups: [], groupCount: 0)
  }
}

extension StoredMember {
  static func sample(_ name: String, _ state: UserState, document: String) -> StoredMember {
    let id = UserID.made(at: Date())
    let time = Date(timeIntervalSince1970: 1_767_225_000)
    return StoredMember(
      id: id, name: PersonName(userName: name), email: name, state: state, role: "viewer", createdAt: time,
      resource: StoredResource(id: id.resource, version: 1, modifiedAt: time, document: Array(document.utf8)))
  }
}

extension WorkspaceSettings {
  static let sample = EdgeBuilder().settings
}

extension ConsolePage {
  /// The HTML of the page.
  func html() async throws -> String {
    try await ConsoleLayout().response(self, for: nil).text()
  }
}

extension Response {
  /// The body as text.
  func text() async throws -> String {
    let written = Journal<ByteBuffer>()
    try await body.write(RecordingBodyWriter(written: written))
    return written.entries.map { String(buffer: $0) }.joined()
  }
}

private struct RecordingBodyWriter: ResponseBodyWriter {
  let written: Journal<ByteBuffer>
  mutating func write(_ buffer: ByteBuffer) async throws { written.record(buffer) }
  consuming func finish(_ trailingHeaders: HTTPFields?) async throws {}
}
