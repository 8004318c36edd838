/// The order in which the operations of a bulk request are carried out: what is referred to first, and otherwise as they stand.
public enum BulkOrder {
  /// Operations that are carried out together: one, or those that refer to each other in a circle (RFC 7644 §3.7.1).
  public struct Unit: Sendable, Hashable {
    /// Positions in the request, ascending.
    public var operations: [Int]
    public var isCircular: Bool
  }

  /// An operation that refers to a later one waits for it, rather than have it come early: so a name that one operation gives up is free
  /// for the next, as it is for requests that come one by one. Of operations on one resource the order is kept.
  ///
  /// - Parameter needs: for each operation those that it has to come after. What is no POST may need whatever comes before it; a POST only
  ///   other POSTs, which is where components are.
  public static func units(needs: [[Int]]) -> [Unit] {
    let components = StronglyConnectedComponents(needs: needs).found
    var unitOfOperation = Array(repeating: 0, count: needs.count)
    let units = components.sorted { $0[0] < $1[0] }.map { Unit(operations: $0, isCircular: $0.count > 1 || needs[$0[0]].contains($0[0])) }
    for (index, unit) in units.enumerated() {
      for operation in unit.operations { unitOfOperation[operation] = index }
    }
    var waitingFor = units.map { _ in 0 }
    var waiters: [[Int]] = units.map { _ in [] }
    for (index, unit) in units.enumerated() {
      for needed in Set(unit.operations.flatMap { needs[$0] }.map { unitOfOperation[$0] }) where needed != index {
        waitingFor[index] += 1
        waiters[needed].append(index)
      }
    }
    var order: [Unit] = []
    // Descending, so that the next one is taken from the end.
    var ready = units.indices.filter { waitingFor[$0] == 0 }.reversed() as [Int]
    while let first = ready.popLast() {
      order.append(units[first])
      for waiter in waiters[first] {
        waitingFor[waiter] -= 1
        if waitingFor[waiter] == 0 { ready.insert(waiter, at: ready.firstIndex { $0 < waiter } ?? ready.endIndex) }
      }
    }
    return order
  }

  /// The strongly connected parts of a graph, by Tarjan's algorithm.
  private struct StronglyConnectedComponents {
    private let needs: [[Int]]
    private(set) var found: [[Int]] = []
    private var indices: [Int?]
    private var lowest: [Int]
    private var stack: [Int] = []
    private var isOnStack: [Bool]
    private var next = 0

    init(needs: [[Int]]) {
      self.needs = needs
      indices = Array(repeating: nil, count: needs.count)
      lowest = Array(repeating: 0, count: needs.count)
      isOnStack = Array(repeating: false, count: needs.count)
      for operation in needs.indices where indices[operation] == nil { visit(operation) }
    }

    /// As deep as references lead on to references, which is no deeper than there are operations.
    private mutating func visit(_ operation: Int) {
      indices[operation] = next
      lowest[operation] = next
      next += 1
      stack.append(operation)
      isOnStack[operation] = true
      for needed in needs[operation] {
        if let index = indices[needed] {
          if isOnStack[needed] { lowest[operation] = min(lowest[operation], index) }
        } else {
          visit(needed)
          lowest[operation] = min(lowest[operation], lowest[needed])
        }
      }
      guard lowest[operation] == indices[operation] else { return }
      var members: [Int] = []
      while let member = stack.popLast() {
        isOnStack[member] = false
        members.append(member)
        if member == operation { break }
      }
      found.append(members.sorted())
    }
  }
}
