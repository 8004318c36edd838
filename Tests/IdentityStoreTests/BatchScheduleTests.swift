import Foundation
import Models
import Testing

@testable import IdentityStore

@Suite("The schedule of a batch")
struct BatchScheduleTests {
  private let one = WorkspaceID(UUID(uuid: (1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)))
  private let other = WorkspaceID(UUID(uuid: (2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)))

  @Test("Commands of a single workspace are processed in order, in one transaction")
  func singleWorkspace() {
    let commands = (0..<500).map { _ in (workspace: one, weight: 2000) }
    #expect(BatchSchedule(commands).transactions == [Array(0..<500)])
  }

  @Test("Workspaces take turns, and light commands come before heavy ones")
  func fairness() {
    let light = BatchSchedule([(one, 10), (one, 10), (one, 10), (other, 10)])
    #expect(light.transactions == [[0, 3, 1, 2]])
    let heavy = BatchSchedule([(one, 6 << 20), (one, 6 << 20), (other, 10), (other, 10), (one, 10)])
    #expect(heavy.transactions == [[2, 3], [0], [1], [4]])
  }

  @Test("Commands of other workspaces do not wait for the transaction of a busy one")
  func busyWorkspace() {
    let commands = (0..<500).map { (workspace: [100, 400].contains($0) ? other : one, weight: 10) }
    let transactions = BatchSchedule(commands).transactions
    #expect(transactions == [[0, 100, 1, 400], Array(2..<500).filter { ![100, 400].contains($0) }])
    // A short rest is not worth a transaction.
    #expect(BatchSchedule(Array(commands[390..<450])).transactions.count == 1)
  }

  @Test("Each command is in one transaction, and the commands of a workspace keep their order", arguments: 0..<50)
  func order(seed: Int) {
    var random = SystemRandomNumberGenerator()
    let commands = (0..<40).map { _ in
      (workspace: [one, other].randomElement(using: &random)!, weight: [1, 1000, 3 << 20, 9 << 20].randomElement(using: &random)!)
    }
    let order = BatchSchedule(commands).transactions.flatMap(\.self)
    #expect(order.sorted() == Array(0..<40))
    for workspace in [one, other] {
      let own = order.filter { commands[$0].workspace == workspace }
      #expect(own == own.sorted())
    }
  }
}
