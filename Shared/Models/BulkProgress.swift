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

  /// The next operations to carry out in one transaction: those of a reference cycle, or up to `limit` operations that do not refer to
  /// resources which the others create. `nil` if the request is done.
  ///
  /// Call ``take(_:)`` with the outcomes of the first of them, at least one (all of a cycle), before the next call. After ``remainingErrors``
  /// refusals, the operations that follow must not be carried out.
  public mutating func next(atMost limit: Int = 1) -> [(operation: Bulk.Operation, write: Command.Operation)]? {
    while !isDone {
      let operations = unit()
      if let writes = writes(of: operations) { return operations.first?.cycle == nil ? batch(atMost: limit) : writes }
      let obstacle = obstacle(for: operations)
      for operation in operations { settle(operation, refusal(of: operation, among: operations, because: obstacle)) }
    }
    return nil
  }

  /// The number of errors after which the remaining operations are skipped; `nil`: none are skipped.
  public var remainingErrors: Int? { bulk.failOnErrors.map { $0 - errors } }

  /// Records the outcomes of the first operations that ``next(atMost:)`` returned last, in their order.
  public mutating func take(_ replies: [Reply.Outcome]) {
    for (operation, reply) in zip(bulk.operations[outcomes.count...], replies) {
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

  /// The next operations, up to the first that refers to a resource which the batch creates, belongs to a cycle, or is not carried out.
  private func batch(atMost limit: Int) -> [(operation: Bulk.Operation, write: Command.Operation)] {
    var batch: [(operation: Bulk.Operation, write: Command.Operation)] = []
    var created = Set<ResourceID>()
    for operation in bulk.operations[outcomes.count...].prefix(limit) {
      guard operation.cycle == nil, created.isDisjoint(with: operation.references), let write = writes(of: [operation])?.first
      else { break }
      batch.append(write)
      if operation.isCreation { created.insert(operation.resource) }
    }
    return batch
  }

  /// The writes of operations, with the ids of reused records; nil if the operations are not carried out.
  private func writes(of operations: ArraySlice<Bulk.Operation>) -> [(operation: Bulk.Operation, write: Command.Operation)]? {
    guard obstacle(for: operations) == nil else { return nil }
    var writes: [(operation: Bulk.Operation, write: Command.Operation)] = []
    for operation in operations {
      let operation = operation.replacingIDs(replacements)
      guard case .write(let write) = operation.action else { return nil }
      writes.append((operation, write))
    }
    return writes
  }

  /// A resource that operations refer to and that was not created.
  private func obstacle(for operations: ArraySlice<Bulk.Operation>) -> ResourceID? {
    operations.lazy.flatMap(\.references).first { failed[$0] != nil }
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
