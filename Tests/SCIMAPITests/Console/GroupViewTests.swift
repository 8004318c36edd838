import Foundation
import Models
import Testing

@testable import AdminConsole
@testable import EdgeHTTP
@testable import EdgeReads
@testable import ProductAPI
@testable import SCIMControllers
@testable import ScimAPI

@Suite("What the pages about groups say")
struct GroupViewTests {
  private let now = Date(timeIntervalSince1970: 1_767_225_600)

  private func group(_ name: String, _ counts: MembershipStatusCounts?) -> ListedGroup {
    ListedGroup(id: .made(at: now), name: name, key: name.lowercased(), modifiedAt: now, counts: counts)
  }

  private func facts(_ counts: MembershipStatusCounts?, held: HeldGroupChange? = nil) -> GroupDetails {
    GroupDetails(id: .made(at: now), name: "Data team", externalID: nil, createdAt: now, modifiedAt: now, counts: counts, held: held)
  }

  @Test(
    "Numbers have separators",
    arguments: [(0, "0"), (999, "999"), (1000, "1,000"), (123_456, "123,456"), (1_000_000, "1,000,000"), (-1234, "-1,234")])
  func numbers(number: Int, text: String) { #expect(GroupsView.text(number) == text) }

  @Test("A list has its counts, and where it goes on the search is kept")
  func list() throws {
    let view = GroupsView(
      groups: [group("Data & Co", MembershipStatusCounts(visible: 1200, pending: 3)), group("New", nil)], total: 2, search: "Data & <Co>",
      isFirst: false,
      next: "abc-_")
    #expect(view.groups[0].counts == .init(visible: "1,200", pending: "3", held: "0"))
    #expect(view.groups[1].counts == nil)
    #expect(view.pager?.next == "/console/groups?q=Data%20%26%20%3CCo%3E&cursor=abc-_")
    #expect(view.pager?.first == "/console/groups?q=Data%20%26%20%3CCo%3E")
    #expect(!view.isEmpty && !view.isWithoutMatch)
  }

  @Test("An empty list tells nothing pushed from nothing found")
  func emptiness() {
    let nothing = GroupsView(groups: [], total: 0, search: nil, isFirst: true, next: nil)
    #expect(nothing.isEmpty && !nothing.isWithoutMatch && nothing.pager == nil)
    let unmatched = GroupsView(groups: [], total: 5, search: "x", isFirst: true, next: nil)
    #expect(!unmatched.isEmpty && unmatched.isWithoutMatch)
  }

  @Test("Each member who is not visible has a reason, and nobody else has")
  func reasons() {
    func why(_ state: UserState?) -> String? { GroupView.why(DirectoryMember(id: .made(at: now), state: state)) }
    #expect(why(.active) == nil)
    #expect(why(.invited)?.contains("first sign-in") == true)
    #expect(why(.disabled)?.contains("enables them") == true)
    #expect(why(nil)?.contains("own data") == true)
  }

  @Test("A group that nobody is visible in names those who wait; the tabs have all counts")
  func tabs() {
    let view = GroupView(
      facts(MembershipStatusCounts(visible: 0, pending: 1234, held: 2)), standing: .visible, members: [], isFirst: true, next: nil)
    #expect(view.tabs.map(\.count) == ["0", "1,234", "2"])
    #expect(view.tabs.map(\.isCurrent) == [true, false, false])
    #expect(view.nobody?.contains("1,234 people wait for a first sign-in") == true)
    #expect(!view.isBehind)
    #expect(GroupView(facts(nil), standing: .held, members: [], isFirst: true, next: nil).isBehind)
  }

  @Test("A member is called by name, else by address, else by id")
  func names() {
    let id = UserID.made(at: now)
    let members = [
      DirectoryMember(id: id, state: .active, email: "ana@example.com", displayName: "Ana"),
      DirectoryMember(id: id, state: .invited, email: "ben@example.com"), DirectoryMember(id: id),
    ]
    let view = GroupView(facts(MembershipStatusCounts(visible: 3)), standing: .visible, members: members, isFirst: true, next: "c")
    #expect(view.members.map(\.name) == ["Ana", "ben@example.com", "\(id)"])
    #expect(view.members.map(\.email) == ["ana@example.com", nil, nil])
    #expect(view.members[0].path == "/console/members/\(id)")
    #expect(view.pager?.next?.hasSuffix("?state=visible&cursor=c") == true)
    #expect(view.pager?.first == nil)
  }

  @Test(
    "Where few of many stand is told by the counts",
    arguments: [(100_000, 10, true), (100_000, 900, true), (100_000, 2000, false), (4000, 1, false), (1_000_000, 0, true)])
  func rarity(all: Int, some: Int, isRare: Bool) {
    #expect(MembershipStatusCounts(visible: all - some, held: some).isRare(.held, limit: 51) == isRare)
  }

  @Test("A change that waits says how many of how many would leave")
  func held() {
    let change = HeldGroupChange(members: 1200, leaving: 1000, heldAt: now)
    let view = GroupView(facts(MembershipStatusCounts(), held: change), standing: .visible, members: [], isFirst: true, next: nil)
    #expect(view.held?.words == "The identity provider wants to take 1,000 members of 1,200 out of this group.")
  }
}
