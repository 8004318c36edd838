import Models

/// The order in which the commands of a batch are processed, and their division into transactions.
///
/// Workspaces take turns, weighted by the size of their commands (weighted fair queueing): the commands of a workspace that sends little
/// come before the heavy ones of another, and do not wait for the transaction of the many that a busy one has sent. Commands of one workspace
/// keep their order.
struct BatchSchedule: Sendable {
  /// The positions in the batch of the commands of each transaction.
  let transactions: [[Int]]

  /// The maximum total weight of a transaction: approximately the bytes that it writes. A heavier command gets its own transaction.
  static let maximumWeight = 4 << 20

  /// The number of commands of one workspace that may follow the last command of another in the same transaction.
  static let maximumTail = 64

  init(_ commands: [ReceivedCommand]) {
    self.init(commands.map { (workspace: $0.read.command.workspace, weight: $0.weight) })
  }

  init(_ commands: [(workspace: WorkspaceID, weight: Int)]) {
    var totals: [WorkspaceID: Int] = [:]
    let finishTimes = commands.map { command in
      totals[command.workspace, default: 0] += command.weight
      return totals[command.workspace, default: 0]
    }
    let order = commands.indices.sorted { (finishTimes[$0], $0) < (finishTimes[$1], $1) }
    // Once all others have had their turn, the rest belongs to one workspace.
    let busiest = order.last.map { commands[$0].workspace }
    let turns = (order.lastIndex { commands[$0].workspace != busiest } ?? -1) + 1
    let isLongTail = turns > 0 && order.count - turns > Self.maximumTail
    var transactions: [[Int]] = []
    var weight = 0
    for (index, position) in order.enumerated() {
      let isCut = isLongTail && index == turns
      if transactions.isEmpty || isCut || weight + commands[position].weight > Self.maximumWeight {
        transactions.append([])
        weight = 0
      }
      transactions[transactions.count - 1].append(position)
      weight += commands[position].weight
    }
    self.transactions = transactions
  }
}

extension ReceivedCommand {
  /// The approximate number of bytes that processing the command reads and writes.
  var weight: Int { message.value.count + (read.payload.loadsAllMembers ? 1 << 20 : 1 << 10) }
}
