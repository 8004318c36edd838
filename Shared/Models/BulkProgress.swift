/// The state machine of a bulk request: which operations are next, and the outcomes so far.
///
/// identity-store executes bulk requests with it. If the reply is lost, scim-api reconstructs it from the recorded replies of the operations.
/// Both get the same result, because every step depends on outcomes only: an operation that refers to a failed one fails, and the remaining
/// operations are skipped after the allowed number of errors.
public struct BulkProgress: Sendable {
  /// The outcomes so far, in the order of the operations. Skipped operations are missing at the end.
  public private(set) var outcomes: [Bulk.Outcome] = []

  private let bulk: Bulk
  private let failedReference: @Sendable (ResourceID, Int) -> Bulk.Outcome
  /// The ids of reused records, by the ids that scim-api created.
  private var replacements: [ResourceID: ResourceID] = [:]
  /// The statuses of failed creates, by resource.
  private var failed: [ResourceID: Int] = [:]
  private var errors = 0

  /// Creates the state before the first operation.
  ///
  /// - Parameter failedReference: The outcome of an operation that refers to the resource of a failed one, from its id and status.
  public init(_ bulk: Bulk, failedReference: @escaping @Sendable (ResourceID, Int) -> Bulk.Outcome) {
    self.bulk = bulk
    self.failedReference = failedReference
    outcomes.reserveCapacity(bulk.operations.count)
  }

  /// The next operations to carry out in one transaction: one, or those of a reference cycle. `nil` if the request is done.
  ///
  /// Call ``take(_:)`` with their outcomes before the next call.
  public mutating func next() -> [(operation: Bulk.Operation, write: Command.Operation)]? {
    while !isDone {
      let operations = unit()
      var writes: [(operation: Bulk.Operation, write: Command.Operation)] = []
      for operation in operations {
        let operation = operation.replacingIDs(replacements)
        if case .write(let write) = operation.action { writes.append((operation, write)) }
      }
      let obstacle = operations.lazy.flatMap(\.references).first { failed[$0] != nil }
      if writes.count == operations.count, obstacle == nil { return writes }
      for operation in operations { settle(operation, refusal(of: operation, among: operations, because: obstacle)) }
    }
    return nil
  }

  /// Records the outcomes of the operations that ``next()`` returned last, in their order.
  public mutating func take(_ replies: [Reply.Outcome]) {
    for (operation, reply) in zip(unit(), replies) {
      switch reply {
      case .resource(let resource, let created):
        if operation.isCreation, resource.id != operation.resource { replacements[operation.resource] = resource.id }
        settle(
          operation,
          .written(
            resource.id, version: resource.version, created: created, relink: resource.relink, unapplied: resource.unapplied))
      case .done, .signIn, .bulk: settle(operation, .done)
      case .refused(let status, let error): settle(operation, .refused(status: status, error: error))
      }
    }
  }

  private var isDone: Bool {
    if let limit = bulk.failOnErrors, errors >= limit { return true }
    return outcomes.count >= bulk.operations.count
  }

  /// The next operation, with the others of its reference cycle.
  private func unit() -> ArraySlice<Bulk.Operation> {
    let rest = bulk.operations[outcomes.count...]
    guard let cycle = rest.first?.cycle else { return rest.prefix(1) }
    return rest.prefix { $0.cycle == cycle }
  }

  /// Why an operation is not carried out: it or another operation of its cycle was refused by scim-api, or it refers to a failed one.
  private func refusal(
    of operation: Bulk.Operation, among cycle: ArraySlice<Bulk.Operation>, because obstacle: ResourceID?
  ) -> Bulk.Outcome {
    if case .refused(let status, let error) = operation.action { return .refused(status: status, error: error) }
    if let obstacle, let status = failed[obstacle] { return failedReference(obstacle, status) }
    for case let other in cycle {
      if case .refused(let status, _) = other.action { return failedReference(other.resource, status) }
    }
    return failedReference(operation.resource, 500)
  }

  private mutating func settle(_ operation: Bulk.Operation, _ outcome: Bulk.Outcome) {
    outcomes.append(outcome)
    guard case .refused(let status, _) = outcome else { return }
    errors += 1
    if case .refused = operation.action { failed[operation.resource] = status }
    if operation.isCreation { failed[operation.resource] = status }
  }
}
