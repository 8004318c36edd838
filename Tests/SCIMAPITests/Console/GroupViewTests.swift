import Foundation
import Models
import Testing

@testable import AdminConsole
@testable import EdgeHTTP
@testable import EdgeReads
@testable import ProductAPI
@testable import SCIMControllers
@testable import ScimAPI

@Suite("View models of groups")
struct GroupViewTests {
  private let now = Date(timeIntervalSince1970: 1_767_225_600)

  private func group(_ name: String, _ counts: MembershipStatusCounts?) -> ListedGroup {
    ListedGroup(id: .made(at: now), name: name, key: name.lowercased(), modifiedAt: now, counts: counts)
  }

  private func details(_ counts: MembershipStatusCounts?, held: HeldGroupChange? = nil) -> GroupDetails {
    GroupDetails(id: .made(at: now), name: "Data team", externalID: nil, createdAt: now, modifiedAt: now, counts: counts, held: held)
  }

  @Test(
    "Numbers have separators",
    arguments: [(0, "0"), (999, "999"), (1000, "1,000"), (123_456, "123,456"), (1_000_000, "1,000,000"), (-1234, "-1,234")])
  func numbers(number: Int, text: String) { #expect(ConsoleText.number(number) == text) }

  @Test("A list has counts, and its next page keeps the search")
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

  @Test("An empty list distinguishes no groups from no match")
  func emptiness() {
    let nothing = GroupsView(groups: [], total: 0, search: nil, isFirst: true, next: nil)
    #expect(nothing.isEmpty && !nothing.isWithoutMatch && nothing.pager == nil)
    let unmatched = GroupsView(groups: [], total: 5, search: "x", isFirst: true, next: nil)
    #expect(!unmatched.isEmpty && unmatched.isWithoutMatch)
  }

  @Test("Members have a reason unless they are visible")
  func reasons() {
    func reason(_ state: UserState?) -> String? { GroupView.reason(for: GroupMember(id: .made(at: now), state: state)) }
    #expect(reason(.active) == nil)
    #expect(reason(.invited)?.contains("first sign-in") == true)
    #expect(reason(.disabled)?.contains("enables them") == true)
    #expect(reason(nil)?.contains("own data") == true)
  }

  @Test("A group without visible members mentions the pending ones, and the tabs have all counts")
  func tabs() {
    let view = GroupView(
      details(MembershipStatusCounts(visible: 0, pending: 1234, held: 2)), status: .visible, members: [], isFirst: true, next: nil)
    #expect(view.tabs.map(\.count) == ["0", "1,234", "2"])
    #expect(view.tabs.map(\.isCurrent) == [true, false, false])
    #expect(view.emptyMessage?.contains("1,234 people wait for a first sign-in") == true)
    #expect(!view.isBehind)
    #expect(GroupView(details(nil), status: .held, members: [], isFirst: true, next: nil).isBehind)
  }

  @Test("A member is shown by name, or address, or id")
  func names() {
    let id = UserID.made(at: now)
    let members = [
      GroupMember(id: id, state: .active, email: "ana@example.com", displayName: "Ana"),
      GroupMember(id: id, state: .invited, email: "ben@example.com"), GroupMember(id: id),
    ]
    let view = GroupView(details(MembershipStatusCounts(visible: 3)), status: .visible, members: members, isFirst: true, next: "c")
    #expect(view.members.map(\.name) == ["Ana", "ben@example.com", "\(id)"])
    #expect(view.members.map(\.email) == ["ana@example.com", nil, nil])
    #expect(view.members[0].path == "/console/members/\(id)")
    #expect(view.pager?.next?.hasSuffix("?state=visible&cursor=c") == true)
    #expect(view.pager?.first == nil)
  }

  @Test(
    "Rare statuses are recognised by the counts",
    arguments: [(100_000, 10, true), (100_000, 900, true), (100_000, 2000, false), (4000, 1, false), (1_000_000, 0, true)])
  func rarity(all: Int, some: Int, isRare: Bool) {
    #expect(MembershipStatusCounts(visible: all - some, held: some).isRare(.held, limit: 51) == isRare)
  }

  @Test("A held change has the number of leaving and all members")
  func held() {
    let change = HeldGroupChange(members: 1200, leaving: 1000, heldAt: now)
    let view = GroupView(details(MembershipStatusCounts(), held: change), status: .visible, members: [], isFirst: true, next: nil)
    #expect(view.held?.description == "The identity provider wants to remove 1,000 members of 1,200 from this group.")
  }
}
