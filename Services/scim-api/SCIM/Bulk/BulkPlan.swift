import EdgeHTTP
import EdgeReads
import Foundation
import Models
import Primitives
import ProvisioningLog
import SCIM
import SCIMStorage

/// What is to be done about a bulk request: its operations checked, with ids in place of `bulkId:` references, in the order in which they
/// are carried out.
///
/// Every POST gets its resource's id here, beforehand. So a reference is an id from the start, whichever operation comes first, and two
/// resources can refer to each other. Where identity-store answers a POST with a resource that there was already (a person who comes
/// back), it replaces the id that was made in whatever it carries out later; so the operation names what it refers to.
struct BulkPlan: Sendable {
  /// For identity-store.
  let bulk: Bulk
  /// For each operation of ``bulk`` its position in the request.
  let positions: [Int]
  /// What the answer repeats of each operation of the request.
  let entries: [Entry]
  /// The `bulkId`s of what is to be made, by the ids that were made for it.
  let names: [ResourceID: String]
  /// The normalisations that were applied to the operations' data, each once.
  let normalisations: [String]

  struct Entry: Sendable, Equatable {
    var method: String?
    var bulkID: String?
    /// What the path names, or what a POST is to make; nil where that cannot be told.
    var kind: ResourceKind?
    var resource: ResourceID?
    /// What it refers to of what the request makes.
    var references: [ResourceID] = []
  }

  /// Reads the data of an operation.
  typealias Read = (RequestedWrite.Verb, ResourceKind, JSON) throws(SCIMError) -> RequestedWrite

  init(_ request: BulkRequest, at now: Date, read: Read) {
    var made: [String: (id: ResourceID, position: Int)] = [:]
    for (position, operation) in request.operations.enumerated() {
      guard case .success(let operation) = operation, operation.method == .post, let name = operation.bulkID else { continue }
      made[name] = (.made(at: now), position)
    }
    let ids = made.mapValues(\.id)
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
    let units = BulkOrder.units(needs: Self.needs(operations, Dictionary(uniqueKeysWithValues: made.values.map { ($0.id, $0.position) })))
    for (number, unit) in units.enumerated() where unit.isCircular {
      for position in unit.operations { operations[position].cycle = number }
    }
    positions = units.flatMap(\.operations)
    bulk = Bulk(failOnErrors: request.failOnErrors, operations: positions.map { operations[$0] })
    names = Dictionary(uniqueKeysWithValues: made.map { ($1.id, $0) })
    self.entries = entries
    self.normalisations = normalisations
  }

  /// Makes an operation what identity-store carries out.
  ///
  /// - Throws: what the request by itself would be refused with.
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
      // An operation that is refused must not be taken for what makes, or changes, the resource of another.
      entry.references = references.names.compactMap { ids[$0] }
      if operation.method != .post { planned.resource = .made(at: .now) }
      throw error
    }
    // What reading has left out, as it does with read-only attributes, is no reference.
    let named = write.namedIDs
    planned.references = references.names.compactMap { ids[$0] }.filter { $0 == planned.resource || named.contains($0.uuid) }
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

  /// For each operation those that it comes after: what makes what it names and, where it changes something, the one before it that
  /// changes the same.
  private static func needs(_ operations: [Bulk.Operation], _ makers: [ResourceID: Int]) -> [[Int]] {
    var last: [ResourceID: Int] = [:]
    return operations.enumerated().map { position, operation in
      guard case .write = operation.action else { return [] }
      var needs = operation.references.compactMap { makers[$0] }
      guard !operation.isCreation else { return needs }
      if let earlier = last[operation.resource] { needs.append(earlier) }
      last[operation.resource] = position
      return needs
    }
  }
}

/// What the path of an operation of a bulk request means.
private struct BulkTarget {
  let kind: ResourceKind
  /// The resource's id, or a reference in its place; empty for the endpoint itself.
  let id: String

  /// - Throws: 404 for an endpoint that there is not, 405 for one that the method is not for.
  init(_ operation: BulkRequest.Operation) throws(SCIMError) {
    let parts = operation.path.split(separator: "/").map { $0.removingPercentEncoding ?? String($0) }
    guard let kind = ResourceKind.allCases.first(where: { $0.endpoint == parts.first }), parts.count <= 2 else {
      throw SCIMError(
        status: 404, scimType: nil,
        detail:
          "There is nothing at the path '\(Redaction.path(operation.path).prefix(200))' that a bulk request can change. Send /Users or /Groups, or one of them with an id."
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
  /// What a body with this method asks for; DELETE has none.
  fileprivate var verb: RequestedWrite.Verb {
    switch self {
    case .post: .create
    case .put: .replace
    case .patch, .delete: .patch
    }
  }
}

extension Command.Operation {
  /// The ids that stand in its document or patch.
  fileprivate var namedIDs: Set<UUID> {
    switch self {
    case .createUser(let data), .replaceUser(let data), .patchUser(let data), .createGroup(let data), .replaceGroup(let data),
      .patchGroup(let data):
      UUIDText.all(in: data)
    default: []
    }
  }
}
