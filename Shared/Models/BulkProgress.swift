/// How far a bulk is: what is carried out next, and what became of what was.
///
/// identity-store carries a bulk out by it; where its reply gets lost, scim-api finds by it what the reply was from the recorded replies
/// of the operations. Both come to the same, for nothing is decided here but by outcomes: an operation fails that refers to one that
/// failed, and the rest is left alone after as many errors as the request allows.
public struct BulkProgress: Sendable {
  /// What became of the operations so far, in their order; those that are left alone are missing at the end.
  public private(set) var outcomes: [Bulk.Outcome] = []

  private let bulk: Bulk
  private let failedReference: @Sendable (ResourceID, Int) -> Bulk.Outcome
  /// The ids that the store chose in place of those that were made.
  private var chosen: [ResourceID: ResourceID] = [:]
  /// The statuses of the creations that failed, by the ids that were made for them.
  private var failed: [ResourceID: Int] = [:]
  private var errors = 0

  /// - Parameter failedReference: the outcome of an operation that refers to that id, whose own operation failed with that status.
  public init(_ bulk: Bulk, failedReference: @escaping @Sendable (ResourceID, Int) -> Bulk.Outcome) {
    self.bulk = bulk
    self.failedReference = failedReference
    outcomes.reserveCapacity(bulk.operations.count)
  }

  /// The writes that come next as one transaction, one of them or those of a circle, naming the ids that there are; nil where the bulk is
  /// done. ``take(_:)`` is to be called with their outcomes before the next call.
  public mutating func next() -> [(operation: Bulk.Operation, write: Command.Operation)]? {
    while !isDone {
      let operations = unit()
      var writes: [(operation: Bulk.Operation, write: Command.Operation)] = []
      for operation in operations {
        let operation = operation.replacingIDs(chosen)
        if case .write(let write) = operation.action { writes.append((operation, write)) }
      }
      let obstacle = operations.lazy.flatMap(\.references).first { failed[$0] != nil }
      if writes.count == operations.count, obstacle == nil { return writes }
      for operation in operations { settle(operation, refusal(of: operation, among: operations, because: obstacle)) }
    }
    return nil
  }

  /// - Parameter replies: what became of the writes that ``next()`` returned last, in their order.
  public mutating func take(_ replies: [Reply.Outcome]) {
    for (operation, reply) in zip(unit(), replies) {
      switch reply {
      case .resource(let resource, let created):
        if operation.isCreation, resource.id != operation.resource { chosen[operation.resource] = resource.id }
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

  /// The operation that is next, with the others of its circle.
  private func unit() -> ArraySlice<Bulk.Operation> {
    let rest = bulk.operations[outcomes.count...]
    guard let circle = rest.first?.circle else { return rest.prefix(1) }
    return rest.prefix { $0.circle == circle }
  }

  /// Why an operation is not even tried: it was refused before, or refers to one that failed, or another of its circle is not tried.
  private func refusal(
    of operation: Bulk.Operation, among circle: ArraySlice<Bulk.Operation>, because obstacle: ResourceID?
  ) -> Bulk.Outcome {
    if case .refused(let status, let error) = operation.action { return .refused(status: status, error: error) }
    if let obstacle, let status = failed[obstacle] { return failedReference(obstacle, status) }
    for case let other in circle {
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
