import EdgeHTTP
import EdgeReads
import Models
import NIOCore
import SCIM

/// The BulkResponse message (RFC 7644 §3.7): the outcomes of the operations, in the order of the request. Operations that were not executed
/// are left out.
struct BulkResponse: Sendable {
  let plan: BulkPlan
  /// The outcomes of the operations of the plan's `bulk`, in the same order.
  let outcomes: [Bulk.Outcome]
  let base: BaseURL

  func body() -> ByteBuffer {
    var byPosition: [Int: Bulk.Outcome] = [:]
    // The ids of the created or reused resources, by assigned id.
    var ids: [ResourceID: ResourceID] = [:]
    for (position, outcome) in zip(plan.positions, outcomes) {
      byPosition[position] = outcome
      if case .written(let id, _, _, _, _) = outcome, let assigned = plan.entries[position].resource { ids[assigned] = id }
    }
    var buffer = ByteBuffer()
    buffer.writeStaticString("{\"schemas\":[\"")
    buffer.writeString(MessageSchema.bulkResponse)
    buffer.writeStaticString("\"],\"Operations\":[")
    var isFirst = true
    for (position, entry) in plan.entries.enumerated() {
      guard let outcome = byPosition[position] else { continue }
      if !isFirst { buffer.writeStaticString(",") }
      isFirst = false
      write(entry, outcome, ids, to: &buffer)
    }
    buffer.writeStaticString("]}")
    return buffer
  }

  private func write(
    _ entry: BulkPlan.Entry, _ outcome: Bulk.Outcome, _ ids: [ResourceID: ResourceID], to buffer: inout ByteBuffer
  ) {
    buffer.writeStaticString("{\"status\":\"")
    buffer.writeString(String(outcome.status))
    buffer.writeStaticString("\"")
    if let method = entry.method {
      buffer.writeStaticString(",\"method\":")
      buffer.writeJSONString(method)
    }
    if let bulkID = entry.bulkID {
      buffer.writeStaticString(",\"bulkId\":")
      buffer.writeJSONString(bulkID)
    }
    // A failed POST has no location, and neither do operations on the resource that it should have created.
    if let kind = entry.kind, let resource = entry.resource, let id = ids[resource] ?? (plan.names[resource] == nil ? resource : nil) {
      buffer.writeStaticString(",\"location\":")
      buffer.writeJSONString(base.location(kind, id.description))
    }
    switch outcome {
    case .written(_, let version, _, _, _):
      buffer.writeStaticString(",\"version\":")
      buffer.writeJSONString(ResourceWriter.entityTag(version))
    case .done: break
    case .refused(_, let error):
      buffer.writeStaticString(",\"response\":")
      buffer.writeBytes(restoringBulkIDs(in: error, of: entry, ids))
    }
    buffer.writeStaticString("}")
  }

  /// The error with `bulkId:` references in place of assigned ids that no resource has, since the client does not know these ids.
  private func restoringBulkIDs(in error: [UInt8], of entry: BulkPlan.Entry, _ ids: [ResourceID: ResourceID]) -> [UInt8] {
    var error = error
    for assigned in Set(entry.references + [entry.resource].compactMap { $0 }) where ids[assigned] == nil {
      guard let name = plan.names[assigned] else { continue }
      let text = JSON.string(BulkReferences.prefix + name.prefix(100)).serialized().dropFirst().dropLast()
      error = error.replacing(Array(assigned.description.utf8), with: text)
    }
    return error
  }
}

extension Bulk.Outcome {
  /// The HTTP status.
  fileprivate var status: Int {
    switch self {
    case .written(_, _, let created, _, _): created ? 201 : 200
    case .done: 204
    case .refused(let status, _): status
    }
  }
}
