import EdgeHTTP
import EdgeReads
import Foundation
import Models
import Primitives
import ProvisioningLog
import SCIM
import SCIMStorage

/// The execution plan of a bulk request: validated operations in execution order, with `bulkId:` references resolved to ids.
///
/// The plan assigns each POST the id of the resource to create. So a reference is an id whatever the order of the operations, and two
/// resources can refer to each other. If identity-store reuses an existing resource for a POST (a person who returns), it replaces the
/// assigned id in the operations that follow. For this, each operation lists its references.
struct BulkPlan: Sendable {
  /// The operations for identity-store.
  let bulk: Bulk
  /// The position in the request of each operation of ``bulk``.
  let positions: [Int]
  /// The fields of each operation in the request that the response repeats.
  let entries: [Entry]
  /// The `bulkId`s of the resources to create, by assigned id.
  let names: [ResourceID: String]
  /// The normalisations that were applied to the data of the operations, without duplicates.
  let normalisations: [String]

  /// An operation of the request.
  struct Entry: Sendable, Equatable {
    var method: String?
    var bulkID: String?
    /// The kind of the resource that the operation writes; nil if the path is invalid.
    var kind: ResourceKind?
    /// The id of that resource; for a POST, the assigned id.
    var resource: ResourceID?
    /// The ids of the resources created by the request that the operation refers to.
    var references: [ResourceID] = []
  }

  /// Parses and validates the data of an operation.
  typealias Read = (RequestedWrite.Verb, ResourceKind, JSON) throws(SCIMError) -> RequestedWrite

  init(_ request: BulkRequest, at now: Date, read: Read) {
    var creations: [String: (id: ResourceID, position: Int)] = [:]
    for (position, operation) in request.operations.enumerated() {
      guard case .success(let operation) = operation, operation.method == .post, let name = operation.bulkID else { continue }
      creations[name] = (.made(at: now), position)
    }
    let ids = creations.mapValues(\.id)
    var normalisations: [String] = []
    var entries: [Entry] = []
    var operations: [Bulk.Operation] = []
    for operation in request.operations {
      var entry: Entry
      var planned = Bulk.Operation(command: .made(at: now), resource: .made(at: now), action: .refused(status: 500, error: []))
      do {
        let operation = try operation.get()
        entry = Entry(method: operation.method.rawValue, bulkID: operation.bulkID)
        if operation.method == .post, let name = operation.bulkID, let id = ids[name] { planned.resource = id }
        do {
          try Self.plan(operation, ids, &planned, &entry, &normalisations, read)
        } catch {
          planned.action = .refused(status: error.status, error: error.withoutSecrets.body())
        }
      } catch {
        entry = Entry(method: error.method, bulkID: error.bulkID)
        planned.action = .refused(status: error.error.status, error: error.error.withoutSecrets.body())
      }
      entries.append(entry)
      operations.append(planned)
    }
    let creators = Dictionary(uniqueKeysWithValues: creations.values.map { ($0.id, $0.position) })
    let units = BulkOrder.units(needs: Self.dependencies(of: operations, creators: creators))
    for (number, unit) in units.enumerated() where unit.isCircular {
      for position in unit.operations { operations[position].cycle = number }
    }
    positions = units.flatMap(\.operations)
    bulk = Bulk(failOnErrors: request.failOnErrors, operations: positions.map { operations[$0] })
    names = Dictionary(uniqueKeysWithValues: creations.map { ($1.id, $0) })
    self.entries = entries
    self.normalisations = normalisations
  }

  /// Plans one operation.
  ///
  /// - Throws: the error that a single request for the operation would get.
  private static func plan(
    _ operation: BulkRequest.Operation, _ ids: [String: ResourceID], _ planned: inout Bulk.Operation, _ entry: inout Entry,
    _ normalisations: inout [String], _ read: Read
  ) throws(SCIMError) {
    var references = BulkReferences { ids[$0]?.description }
    let target = try BulkTarget(operation)
    entry.kind = target.kind
    if operation.method == .post {
      entry.resource = planned.resource
    } else {
      let text = try references.resolve(target.id)
      guard let id = ResourceID(text) else { throw APIError.notFound(target.kind, text, remains: nil).error }
      entry.resource = id
      planned.resource = id
      if let version = operation.version { planned.expectedVersions = try condition(version).expectedVersions }
    }
    let write: Command.Operation
    do throws(SCIMError) {
      switch operation.method {
      case .delete: write = target.kind == .user ? .deleteUser : .deleteGroup
      case .post, .put, .patch:
        let requested = try read(operation.method.verb, target.kind, try references.resolve(operation.data ?? .null))
        for name in requested.normalisations where !normalisations.contains(name) { normalisations.append(name) }
        write = requested.operation
      }
    } catch {
      // A refused operation must not count as the creation of, or a change to, the resource of another operation.
      entry.references = references.names.compactMap { ids[$0] }
      if operation.method != .post { planned.resource = .made(at: .now) }
      throw error
    }
    if !references.names.isEmpty {
      // References in ignored data, such as read-only attributes, do not count.
      let named = write.namedIDs
      planned.references = references.names.compactMap { ids[$0] }.filter { $0 == planned.resource || named.contains($0.uuid) }
    }
    entry.references = planned.references
    planned.action = .write(write)
  }

  private static func condition(_ version: String) throws(SCIMError) -> EntityTagCondition {
    do {
      return try EntityTagCondition(parsing: version, of: "version")
    } catch {
      throw error.error
    }
  }

  /// The positions of the operations that each operation depends on: those that create the resources it refers to and, for a change, the
  /// previous change to the same resource.
  private static func dependencies(of operations: [Bulk.Operation], creators: [ResourceID: Int]) -> [[Int]] {
    var last: [ResourceID: Int] = [:]
    return operations.enumerated().map { position, operation in
      guard case .write = operation.action else { return [] }
      var dependencies = operation.references.compactMap { creators[$0] }
      guard !operation.isCreation else { return dependencies }
      if let earlier = last[operation.resource] { dependencies.append(earlier) }
      last[operation.resource] = position
      return dependencies
    }
  }
}

/// The target of a bulk operation, parsed from its path.
private struct BulkTarget {
  let kind: ResourceKind
  /// The resource's id or a `bulkId:` reference; empty for the endpoint itself.
  let id: String

  /// - Throws: 404 for an unknown endpoint, 405 if the method is not allowed on the path.
  init(_ operation: BulkRequest.Operation) throws(SCIMError) {
    let parts = operation.path.split(separator: "/").map { $0.removingPercentEncoding ?? String($0) }
    guard let kind = ResourceKind.allCases.first(where: { $0.endpoint == parts.first }), parts.count <= 2 else {
      throw SCIMError(
        status: 404, scimType: nil,
        detail:
          "There is no resource at the path '\(Redaction.path(operation.path).prefix(200))' that a bulk request can change. Use /Users, /Groups, or one of them with an id."
      )
    }
    guard (operation.method == .post) == (parts.count == 1) else {
      throw SCIMError(
        status: 405, scimType: nil,
        detail: """
          \(operation.method.rawValue) is not possible at the path '\(Redaction.path(operation.path).prefix(200))'. POST goes to /\(kind.endpoint), the others \
          go to a resource of it: /\(kind.endpoint)/{id}.
          """)
    }
    self.kind = kind
    id = parts.count > 1 ? parts[1] : ""
  }
}

extension BulkRequest.Method {
  /// The kind of write of a body sent with this method. DELETE has no body.
  fileprivate var verb: RequestedWrite.Verb {
    switch self {
    case .post: .create
    case .put: .replace
    case .patch, .delete: .patch
    }
  }
}

extension Command.Operation {
  /// The ids that occur in the document or patch.
  fileprivate var namedIDs: Set<UUID> {
    switch self {
    case .createUser(let data), .replaceUser(let data), .patchUser(let data), .createGroup(let data), .replaceGroup(let data),
      .patchGroup(let data):
      UUIDText.all(in: data)
    default: []
    }
  }
}
