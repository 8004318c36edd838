import Foundation
import Models
import Testing

@testable import ScimctlCommands

@Suite("The commands of a rebuild")
struct RestatementPlanTests {
  @Test("Commands have similar sizes, and contain every group completely")
  func plan() {
    var plan = RestatementPlan()
    let groups = (0..<450).map { _ in GroupID.made(at: .now) }
    for group in groups.dropLast() { plan.add(group, cuts: [], count: 3) }
    let cuts = (0..<7).map { _ in UserID.made(at: .now) }.sorted()
    plan.add(groups[449], cuts: cuts, count: 7800)

    #expect(plan.pieces.allSatisfy { $0.groups.count <= RestatementPlan.groups && $0.users.isEmpty && !$0.workspace })
    let ranges = plan.pieces.flatMap(\.groups)
    #expect(Set(ranges.map(\.group)) == Set(groups))
    let large = ranges.filter { $0.group == groups[449] }.map(\.range)
    #expect(large.map(\.after) == [nil] + cuts)
    #expect(large.map(\.through) == cuts + [nil])
    // A command contains two ranges of a large group.
    #expect(plan.pieces.suffix(3).map(\.groups.count).allSatisfy { $0 <= 2 })
  }
}

@Suite("Differences between store and directory")
struct DirectoryDifferenceTests {
  @Test("A difference is described, with the command that corrects it")
  func description() {
    let user = UserID.made(at: .now)
    let group = GroupID.made(at: .now)
    let states = [
      DirectoryDifference.Property(name: "state", inStore: "active", inDirectory: "disabled"),
      DirectoryDifference.Property(name: "email", inStore: "a", inDirectory: "a"),
      DirectoryDifference.Property(name: "role", inStore: "viewer", inDirectory: nil),
    ]
    let changed = DirectoryDifference(.user(user), isExtra: false, isMissing: false, states)
    let (state, role) = (
      "state is 'disabled' in the directory and 'active' in the store", "role is nothing in the directory and 'viewer' in the store"
    )
    #expect(changed.description == "\(state); \(role)")
    #expect(changed.rebuildArguments == "--user \(user)")
    #expect(DirectoryDifference(.user(user), isExtra: false, isMissing: true, states).description == "missing in the directory")
    let membership = DirectoryDifference(.membership(group, user), isExtra: true, isMissing: false)
    #expect(membership.description.hasPrefix("extra in the directory"))
    #expect(membership.rebuildArguments == "--group \(group)")
    let rows = [DifferenceRow(changed, in: "acme"), DifferenceRow(membership, in: "acme")]
    #expect(rows.map(\.type) == ["person", "membership"] && rows[1].id == "\(group) \(user)")
    #expect(DifferenceRow.table(of: rows).lines[0].hasPrefix("acme  person      \(user)"))
  }
}
