/// The execution order of the operations of a bulk request: operations come after those they refer to, and otherwise in request order.
public enum BulkOrder {
  /// Operations that are executed together: a single one, or several with circular references (RFC 7644 §3.7.1).
  public struct Unit: Sendable, Hashable {
    /// The positions of the operations in the request, ascending.
    public var operations: [Int]
    /// Whether the operations refer to each other, or the single one refers to itself.
    public var isCircular: Bool
  }

  /// Sorts operations into units, in execution order.
  ///
  /// An operation that refers to a later one is delayed; the later one is not moved forward. A name that one operation releases is
  /// therefore available to the next, as with separate requests. Operations on the same resource keep their order.
  ///
  /// - Parameter needs: For each operation, the positions of the operations that must precede it. A POST may depend on other POSTs only, so
  ///   circular references occur among POSTs only; other operations may depend on any earlier operation.
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
    // In descending order, so that the next unit is taken from the end.
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

  /// The strongly connected components of a graph, found with Tarjan's algorithm.
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

    /// Recursive; the depth is at most the number of operations.
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
