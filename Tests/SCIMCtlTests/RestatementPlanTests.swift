import Foundation
import Models
import Testing

@testable import ScimctlCommands

@Suite("A rebuild is cut into commands")
struct RestatementPlanTests {
  @Test("that are about as much work each, with every group whole and without a gap")
  func plan() {
    var plan = RestatementPlan()
    let groups = (0..<450).map { _ in GroupID.made(at: .now) }
    for group in groups.dropLast() { plan.add(group, cuts: [], count: 3) }
    let cuts = (0..<7).map { _ in UserID.made(at: .now) }.sorted()
    plan.add(groups[449], cuts: cuts, count: 7800)

    #expect(plan.pieces.allSatisfy { $0.groups.count <= RestatementPlan.groups && $0.users.isEmpty && !$0.workspace })
    let parts = plan.pieces.flatMap(\.groups)
    #expect(Set(parts.map(\.group)) == Set(groups))
    let large = parts.filter { $0.group == groups[449] }.map(\.range)
    #expect(large.map(\.after) == [nil] + cuts)
    #expect(large.map(\.through) == cuts + [nil])
    // A large group's parts are two to a command.
    #expect(plan.pieces.suffix(3).map(\.groups.count).allSatisfy { $0 <= 2 })
  }
}

@Suite("A difference between store and directory")
struct DifferenceTests {
  @Test("is said in words, with what mends it")
  func words() {
    let user = UserID.made(at: .now)
    let group = GroupID.made(at: .now)
    let states = [
      Difference.Property(name: "state", stored: "active", kept: "disabled"), Difference.Property(name: "email", stored: "a", kept: "a"),
      Difference.Property(name: "role", stored: "viewer", kept: nil),
    ]
    let changed = Difference(.user(user), isExtra: false, isMissing: false, states)
    let (state, role) = (
      "state is 'disabled' in the directory and 'active' in the store", "role is nothing in the directory and 'viewer' in the store"
    )
    #expect(changed.words == "\(state); \(role)")
    #expect(changed.remedy == "--user \(user)")
    #expect(Difference(.user(user), isExtra: false, isMissing: true, states).words == "missing in the directory")
    let membership = Difference(.membership(group, user), isExtra: true, isMissing: false)
    #expect(membership.words.hasPrefix("extra in the directory"))
    #expect(membership.remedy == "--group \(group)")
  }
}
