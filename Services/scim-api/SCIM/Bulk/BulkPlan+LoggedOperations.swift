import EdgeHTTP
import EdgeReads
import Models
import SCIM

extension BulkPlan {
  /// The operations of `request` that get their own entry in the provisioning log: refused or partially applied ones, and those that
  /// reused the record of a disabled user.
  ///
  /// - Parameter outcomes: the outcomes of the operations of ``bulk``, in the same order.
  func loggedOperations(_ outcomes: [Bulk.Outcome], in request: BulkRequest) -> [LoggedOperation] {
    zip(positions, outcomes).compactMap { position, outcome in
      var logged: LoggedOperation
      switch outcome {
      case .refused(let status, let error):
        logged = LoggedOperation(position: position, method: "POST", path: "/Bulk", status: status, error: error)
      case .written(let id, _, _, let relink?, _):
        logged = LoggedOperation(position: position, method: "POST", path: "/Bulk", status: 201, error: [], relink: relink, resource: id)
      case .written(_, _, _, nil, let unapplied?):
        logged = LoggedOperation(position: position, method: "POST", path: "/Bulk", status: 200, error: [], unapplied: unapplied)
      case .written, .done: return nil
      }
      switch request.operations[position] {
      case .success(let operation):
        logged.method = operation.method.rawValue
        logged.path = operation.path
        logged.data = operation.data
      case .failure(let operation): logged.method = operation.method.map { String($0.prefix(20)) } ?? logged.method
      }
      return logged
    }.sorted { $0.position < $1.position }
  }
}
