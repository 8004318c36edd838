import EdgeHTTP
import EdgeReads
import Models
import NIOCore
import SCIM

/// The BulkResponse message (RFC 7644 §3.7): what became of the operations, in the order of the request. Those that were left alone are
/// not in it.
struct BulkResponse: Sendable {
  let plan: BulkPlan
  /// In the order of the plan's bulk.
  let outcomes: [Bulk.Outcome]
  let base: BaseURL

  func body() -> ByteBuffer {
    var byPosition: [Int: Bulk.Outcome] = [:]
    /// What there is of what was to be made, by the ids that were made for it.
    var ids: [ResourceID: ResourceID] = [:]
    for (position, outcome) in zip(plan.positions, outcomes) {
      byPosition[position] = outcome
      if case .written(let id, _, _, _, _) = outcome, let made = plan.entries[position].resource { ids[made] = id }
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
    // Where it is, if it is: not for a POST that failed, nor for what such a one was to make.
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
      buffer.writeBytes(inTermsOfTheRequest(error, of: entry, ids))
    }
    buffer.writeStaticString("}")
  }

  /// The error with the `bulkId`s in place of ids that were made and that nothing has: the client never heard of them.
  private func inTermsOfTheRequest(_ error: [UInt8], of entry: BulkPlan.Entry, _ ids: [ResourceID: ResourceID]) -> [UInt8] {
    var error = error
    for made in Set(entry.references + [entry.resource].compactMap { $0 }) where ids[made] == nil {
      guard let name = plan.names[made] else { continue }
      let text = JSON.string(BulkReferences.prefix + name.prefix(100)).serialized().dropFirst().dropLast()
      error = error.replacing(Array(made.description.utf8), with: text)
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
