import Foundation
import Models
import Mustache
import ProvisioningLog
import Testing

@testable import AdminConsole
@testable import EdgeHTTP
@testable import EdgeReads
@testable import ProductAPI
@testable import SCIM
@testable import SCIMControllers
@testable import ScimAPI

@Suite("View models of the provisioning pages")
struct ProvisioningViewTests {
  private static let now = Date(timeIntervalSince1970: 1_769_850_000)  // 2026-01-31T09:00:00Z
  private static let settings = EdgeBuilder().settings

  private static func entry(_ status: Int, at time: Date = now, _ change: (inout LogEntry) -> Void = { _ in }) -> LogEntry {
    var entry = LogEntry(
      id: .made(at: time), workspace: .made(at: time), at: time, method: "POST", path: "/api/v2/scim/Users", status: status,
      milliseconds: 12.34)
    entry.resourceType = .user
    entry.token = .made(at: time)
    change(&entry)
    return entry
  }

  private static func tabs(_ page: ProvisioningTab.Page) -> [ProvisioningTab] { ProvisioningTab.all(on: page, pending: 3) }

  /// The values of a page in the context that its template expects.
  private struct Context {
    var page: any Sendable
    var formToken = "t0ken"
  }

  private static func html(_ bytes: [UInt8], _ values: any Sendable) throws -> String {
    try ConsoleTemplate(bytes).render(Context(page: values), library: MustacheLibrary(templates: [:]))
  }

  @Test("The tabs mark the current page and have the number of pending changes")
  func tabs() {
    #expect(Self.tabs(.held).filter(\.isCurrent).map(\.name) == ["Held changes"])
    #expect(Self.tabs(.log).compactMap(\.count) == ["3"])
    #expect(ProvisioningTab.all(on: .log, pending: 0).compactMap(\.count) == [])
    #expect(ProvisioningTab.all(on: .log, pending: 100).compactMap(\.count) == ["99+"])
    #expect(Self.tabs(.audit).last?.path == "/console/audit")
  }

  @Test("The form of the log is parsed to a filter and written as a path")
  func search() throws {
    let search = LogSearch(try QueryParameters("who=Ana%20%26%20Ben&time=dates&from=2026-01-30&to=2026-01-31&failed=1"))
    let filter = search.filter(at: Self.now)
    #expect(filter.subject == "Ana & Ben")
    #expect(filter.failedOnly)
    #expect(filter.since == Timestamp.date("2026-01-30T00:00:00.000Z"))
    #expect(filter.until == Timestamp.date("2026-02-01T00:00:00.000Z"))
    #expect(search.dateError == nil)
    #expect(search.path() == "/console/provisioning?who=Ana%20%26%20Ben&time=dates&from=2026-01-30&to=2026-01-31&failed=1")
    #expect(LogSearch(try QueryParameters(String(search.path().split(separator: "?")[1]))) == search)
    #expect(LogSearch(try QueryParameters("time=today")).filter(at: Self.now).since == Timestamp.date("2026-01-31T00:00:00.000Z"))
    #expect(LogSearch(try QueryParameters("time=week")).filter(at: Self.now).since == Self.now - 7 * 86_400)
    #expect(LogSearch(try QueryParameters("from=2026-01-30")).time == .dates, "a day selects the range of dates")
    #expect(LogSearch(try QueryParameters("cause=staleUser")).filter(at: Self.now).cause == .staleUser)
    #expect(LogSearch(try QueryParameters("cause=nonsense")) == LogSearch())
    #expect(LogSearch().path() == "/console/provisioning")
  }

  @Test(
    "Invalid days are reported",
    arguments: [
      ("time=dates", "Enter the first day"), ("from=2026-02-30", "2026-02-30"), ("to=tomorrow", "tomorrow"),
      ("from=2026-01-31&to=2026-01-30", "after"),
    ])
  func invalidDays(_ query: String, _ words: String) throws {
    #expect(LogSearch(try QueryParameters(query)).dateError?.contains(words) == true)
  }

  @Test("A row of the log has action, name, sender and reason, and a full page links to the next")
  func list() throws {
    let token = TokenID.made(at: Self.now)
    var listed = (0..<51).map { number in
      LogRepository.Listed(entry: Self.entry(201, at: Self.now - Double(number)) { $0.name = "person-\(number)@example.com" })
    }
    listed[0] = LogRepository.Listed(
      entry: Self.entry(409) {
        $0.token = token
        $0.identityProvider = "entra"
        $0.scimType = "uniqueness"
        $0.name = "<script>alert(1)</script>"
      }, cause: .userNameTaken)
    let list = LogView(
      LogSearch(), listed, tokens: [token: "Entra ID of Acme"], settings: Self.settings, tabs: Self.tabs(.log), isFirst: true)
    #expect(list.rows.count == 50)
    let row = try #require(list.rows.first)
    #expect((row.purpose, row.sender, row.provider, row.tone) == ("Create person", "Entra ID of Acme", "Entra ID", "bad"))
    #expect(row.reason == "The userName is taken")
    #expect(list.rows[1].reason == nil)
    #expect(list.pager?.first == nil)
    #expect(list.pager?.next == "/console/provisioning?after=\(listed[49].entry.id)")
    #expect(list.empty == nil)
    // For old entries without a stored cause it is derived from the entry.
    let old = LogView(
      LogSearch(), [LogRepository.Listed(entry: Self.entry(409) { $0.scimType = "uniqueness" })], tokens: [:], settings: Self.settings,
      tabs: [],
      isFirst: true)
    #expect(old.rows.first?.reason == "The userName is taken")

    let html = try Self.html(PackageResources.provisioningLog_mustache, list)
    #expect(html.contains("Create person &lt;script&gt;alert(1)&lt;/script&gt;"))
    #expect(!html.contains("<script"))
    #expect(html.contains("409 Rejected") && html.contains("/console/provisioning/entries/\(listed[0].entry.id)"))
  }

  @Test("An empty page says what to do next")
  func empty() throws {
    func heading(_ query: String) throws -> String? {
      LogView(LogSearch(try QueryParameters(query)), [], tokens: [:], settings: Self.settings, tabs: [], isFirst: true).empty?.heading
    }
    #expect(try heading("") == "Nothing has been pushed yet")
    #expect(try heading("failed=1") == "Nothing failed")
    #expect(try heading("who=ana&failed=1") == "Nothing matches")
    #expect(try heading("time=dates") == nil, "the error about the days is shown instead")
    let html = try Self.html(
      PackageResources.provisioningLog_mustache,
      LogView(LogSearch(), [], tokens: [:], settings: Self.settings, tabs: [], isFirst: true))
    #expect(html.contains("/console/settings/scim") && !html.contains("<table"))
  }

  @Test("An entry shows the cause, the fix, the body, and whether it can be sent again")
  func entryView() throws {
    let entry = Self.entry(409) {
      $0.scimType = "uniqueness"
      $0.name = "ana@example.com"
      $0.detail = "The userName is taken & <b>so</b>"
      $0.normalisations = ["missing-schemas", "of-a-later-build"]
      $0.body = LoggedBody(bytes: 40, content: .whole(["userName": "ana@example.com", "list": [1, true, nil]], removed: ["password"]))
    }
    let diagnosis = try #require(Diagnosis(of: entry, DiagnosisContext()))
    let details = EntryView.Details(entry, diagnosis, token: "Okta", presentName: nil)
    #expect(details.heading == "Create person ana@example.com")
    #expect(details.failure?.fix.isEmpty == false)
    #expect(details.replay?.action == "/console/provisioning/entries/\(entry.id)/replay")
    #expect(details.replay?.removedAttributes == "password")
    #expect(details.normalisations[1] == "of-a-later-build")
    #expect(details.content?.json == "{\n  \"userName\": \"ana@example.com\",\n  \"list\": [\n    1,\n    true,\n    null\n  ]\n}")
    let html = try Self.html(PackageResources.logEntry_mustache, EntryView(tabs: [], details: details))
    #expect(html.contains("What to do") && html.contains("&lt;b&gt;so") && !html.contains("<b>"))
    #expect(html.contains("data-confirm=\"Send this request again"))

    let cut = Self.entry(400) { $0.body = LoggedBody(bytes: 90_000, content: .head(["userName": "ana"])) }
    let unsent = EntryView.Details(cut, Diagnosis(of: cut, DiagnosisContext()), token: nil, presentName: nil)
    #expect(unsent.replay == nil)
    #expect(unsent.replayObstacle?.contains("only the head of the body was kept, since it has 90000 bytes") == true)
    let masked = Self.entry(400) { $0.body = LoggedBody(bytes: 90, content: .whole(["roles": ["(removed)"]], removed: ["roles"])) }
    #expect(EntryView.Details(masked, nil, token: nil, presentName: nil).replayObstacle?.contains("secret") == true)
    let well = Self.entry(200) {
      $0.method = "PUT"
      $0.resource = .made(at: Self.now)
    }
    // The request was not authenticated, so it must not be executed in the admin's name.
    for entry in [Self.entry(401), Self.entry(403), Self.entry(404) { $0.token = nil }] {
      let refused = EntryView.Details(entry, Diagnosis(of: entry, DiagnosisContext()), token: nil, presentName: nil)
      #expect(refused.replay == nil && refused.replayObstacle?.contains("before it was processed") == true)
    }
    let forged = LogEntry(
      id: .made(at: Date()), workspace: .made(at: Date()), unverified: .init(requests: 12, firstAt: Date(), lastAt: Date()),
      address: "203.0.113.7", detail: "not known")
    let summed = EntryView.Details(forged, Diagnosis(of: forged, DiagnosisContext()), token: nil, presentName: nil)
    #expect(summed.heading == "Unverified sender" && summed.requestLine == "12 requests")
    #expect(summed.replay == nil && summed.replayObstacle == nil && summed.content == nil)
    #expect(summed.fields.map(\.label) == ["Token", "Address", "First request", "Last request", "Entry"])
    #expect(summed.failure?.explanation.contains("203.0.113.7") == true)
    let listed = LogView.Row(.init(entry: forged), tokens: [:], settings: EdgeBuilder().settings)
    #expect((listed.purpose, listed.request, listed.provider, listed.sender) == ("Unverified sender", "12 requests", nil, nil))
    let live = LiveCheck([forged], diagnosis: nil, at: Date())
    #expect(
      forged.isProviderRequest && live.latest?.sender == "an unverified sender" && live.latest?.succeeded == false && live.recognised == nil
    )
    let done = EntryView.Details(well, nil, token: nil, presentName: "ana@example.com")
    #expect(done.replay == nil && done.replayObstacle == nil && done.failure == nil)
    #expect(done.fields.first?.link == well.resource.map { "/console/members/\($0)" })
    let pending = try Self.html(PackageResources.logEntry_mustache, EntryView(tabs: [], isPending: true))
    #expect(pending.contains("data-live=\"1\"") && pending.contains("id=\"entry\""))
  }

  @Test("A partly applied request is shown as a warning with what was not applied, in the list and in the entry")
  func partlyApplied() throws {
    let entry = Self.entry(200) {
      $0.method = "PATCH"
      $0.unapplied = [UnappliedChange(path: "secodaRole", detail: "secodaRole: this workspace has no role '<b>Owner</b>'.")]
    }
    let list = LogView(
      LogSearch(), [LogRepository.Listed(entry: entry)], tokens: [:], settings: Self.settings, tabs: Self.tabs(.log), isFirst: true)
    let row = try #require(list.rows.first)
    #expect((row.tone, row.result, row.reason) == ("warn", "Partly applied", "Not applied: secodaRole"))
    let event = TimelineEventView(Timeline.Event(at: Self.now, kind: .pushed(entry)))
    #expect(event.eventDetail == "Partly applied. Not applied: secodaRole.")
    let details = EntryView.Details(entry, nil, token: nil, presentName: nil)
    #expect(details.tone == "warn" && details.failure == nil)
    let html = try Self.html(PackageResources.logEntry_mustache, EntryView(tabs: [], details: details))
    #expect(html.contains("200 Partly applied") && html.contains("no role '&lt;b&gt;Owner") || html.contains("no role &#39;&lt;b&gt;Owner"))
    let whole = try Self.html(
      PackageResources.logEntry_mustache,
      EntryView(tabs: [], details: EntryView.Details(Self.entry(200), nil, token: nil, presentName: nil)))
    #expect(!whole.contains("Partly applied"))
  }

  @Test("Every normalisation has a description")
  func normalisations() {
    let names = Set((Normalisation.everySender + Normalisation.entra + Normalisation.last).map(\.name))
    // Old entries of the log have a normalisation that no longer exists.
    #expect(names.union(["unknown-path"]) == Set(NormalisationDescription.descriptions.keys))
  }

  @Test("Bars are proportional, and small values are visible")
  func chart() {
    let counts = [(0, 0), (1000, 1), (500, 500), (1, 1)].enumerated().map { index, count in
      HealthQuery.RequestCount(at: Self.now + Double(index) * 3600, requests: count.0, failures: count.1)
    }
    let chart = BarChart(counts, unit: "hour") { String(Timestamp.text($0).dropFirst(11).prefix(5)) }
    #expect(chart.bars.map { $0.successHeight + $0.failureHeight } == [0, 136, 68, 2])
    #expect(chart.bars.map(\.failureHeight) == [0, 2, 68, 2])
    #expect(chart.bars.map(\.successHeight)[2] == 0)
    #expect(chart.bars.allSatisfy { $0.failureY + $0.failureHeight == chart.base && $0.successY + $0.successHeight == $0.failureY })
    #expect(chart.summary == "1,501 requests, 502 of them failed; at most 1,000 in one hour")
    #expect(chart.table.map(\.time) == ["12:00", "11:00", "10:00"])
    #expect(BarChart([], unit: "hour") { _ in "" }.bars.isEmpty)
  }

  @Test("Hours without requests are included")
  func filled() {
    let first = Self.now
    let filled = HealthQuery.filled([.init(at: first + 3600, requests: 4, failures: 1)], from: first, step: 3600, count: 3)
    #expect(filled.map(\.requests) == [0, 4, 0])
  }

  @Test("A sender's status depends on its last request")
  func senders() throws {
    func sender(_ success: Date?, _ failure: Date?) -> HealthView.Sender {
      HealthView.Sender(HealthQuery.Sender(name: "Okta", lastSuccessAt: success, lastFailureAt: failure, requestsInDay: 1234))
    }
    #expect(sender(Self.now, nil).status == "OK")
    #expect(sender(Self.now, Self.now - 1).status == "OK")
    #expect(sender(Self.now - 1, Self.now).status == "Last request failed")
    #expect(sender(nil, Self.now).tone == "bad")
    #expect(sender(nil, nil).status == "Only reads")
    #expect(sender(Self.now, nil).day == "1,234, 0 failed")
    #expect(HealthView.share(1, of: 1000) == "Less than 1 % of them")
    #expect(HealthView.share(250, of: 1000) == "25 % of them")
    let hours = HealthQuery.filled([.init(at: Self.now, requests: 10, failures: 5)], from: Self.now, step: 3600, count: 24)
    let view = HealthView(
      HealthQuery.Health(
        hours: hours, days: [], senders: [HealthQuery.Sender(name: "<i>Okta</i>", lastAt: Self.now, lastFailureAt: Self.now)],
        failures: [.init(cause: .staleUser, count: 5, lastAt: Self.now)]), tabs: [])
    let html = try Self.html(PackageResources.health_mustache, view)
    #expect(html.contains("/console/provisioning?cause=staleUser"))
    #expect(html.contains("&lt;i&gt;Okta") && !html.contains("<i>"))
    #expect(html.components(separatedBy: "<rect").count == 1 + 2 * 24)
    let calm = HealthView(HealthQuery.Health(hours: [], days: [], senders: [], failures: []), tabs: [])
    #expect(try Self.html(PackageResources.health_mustache, calm).contains("No requests yet"))
  }

  @Test("The drift page shows how long ago resources were pushed, and links to the next page")
  func drift() throws {
    let found = (0..<51).map { number in
      DriftQuery.Resource(
        id: .made(at: Self.now - Double(100 - number)), name: "person-\(number)@example.com", state: .invited, pushedOn: "2025-12-01")
    }
    let view = DriftView(
      .user, days: 30, found: found, totals: [.user: 1001, .group: 7], tabs: Self.tabs(.drift), isFirst: true, at: Self.now)
    #expect(view.rows.count == 50)
    #expect(view.rows.first?.ago == "61 days ago")
    #expect(view.rows.first?.state == "Invited")
    #expect(view.kinds.map(\.total) == ["1,000+", "7"])
    #expect(view.pager?.next == "/console/provisioning/drift?days=30&after=2025-12-01_\(found[49].id)")
    let cursor = try #require(DriftQuery.Cursor("2025-12-01_\(found[49].id)"))
    #expect(cursor == DriftQuery.Cursor(pushedOn: "2025-12-01", id: found[49].id))
    for wrong in ["", "2025-12-01", "x_\(found[0].id)", "2025-12-41_\(found[0].id)", "2025-12-01_x"] {
      #expect(DriftQuery.Cursor(wrong) == nil, "\(wrong)")
    }
    let none = DriftView(.group, days: 7, found: [], totals: [:], tabs: [], isFirst: true, at: Self.now)
    #expect(try Self.html(PackageResources.drift_mustache, none).contains("No groups found"))
  }

  @Test("A held change shows its effect, the meaning of each decision, and who would leave")
  func held() throws {
    func change(_ kind: HeldChangeKind, _ status: String = "pending", by actor: String? = nil) -> HeldChangesQuery.Change {
      HeldChangesQuery.Change(
        id: .made(at: Self.now), resource: .made(at: Self.now), kind: kind, name: "Data <team>",
        members: kind == .membersRemoved ? 1400 : nil, leaving: kind == .membersRemoved ? 1200 : 0,
        leavers: kind == .membersRemoved ? (0..<100).map { "person-\($0)@example.com" } : [], requestedBy: "token:x", token: "Okta",
        heldAt: Self.now, requestedAt: Self.now, status: status, decidedBy: actor, decidedAt: actor.map { _ in Self.now }, exists: true)
    }
    var guarded = Self.settings
    guarded.changeGuard = ChangeGuard(maximumShrink: 0.5, maximumDeactivations: 20, notify: "admin@example.com")
    let view = HeldChangesView(
      [change(.membersRemoved), change(.userDeleted)],
      decided: [
        change(.membersRemoved, "approved", by: "operator:ana"), change(.userDisabled, "rejected", by: "console:ben"),
        change(.userDisabled, "superseded"),
      ], settings: guarded, tabs: Self.tabs(.held), isFirst: true)
    #expect(view.pending[0].effect == "1,200 of 1,400 members would leave the group")
    #expect(view.pending[0].more?.hasPrefix("and 1,100 more") == true)
    #expect(view.pending[1].approveQuestion.contains("cannot be undone"))
    #expect(view.decided.map(\.by) == ["ana, with scimctl", "ben", nil])
    #expect(view.decided.map { $0.approval != nil } == [false, true, false])
    #expect(view.rules.count == 3)
    let html = try Self.html(PackageResources.held_mustache, view)
    #expect(html.contains("Data &lt;team&gt;") && !html.contains("<team>"))
    #expect(html.contains("action=\"\(view.pending[0].approvePath)\""))
    // A row without a name does not render its context instead.
    #expect(!html.contains("Context("))
    let calm = HeldChangesView([], decided: [], settings: Self.settings, tabs: [], isFirst: true)
    #expect(try Self.html(PackageResources.held_mustache, calm).contains("No rules are set"))
    #expect(HeldChangesController.message(.approve, change(.membersRemoved)) == "Approved: 1,200 people have left the group Data <team>.")
  }
}
