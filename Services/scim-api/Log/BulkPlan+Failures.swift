import Models
import SCIM

extension BulkPlan {
  /// The operations of `request` that have an entry of their own in the log: those that `outcomes`, of ``bulk``, say were refused, and those
  /// that reused the record of a disabled user.
  func loggedOperations(_ outcomes: [Bulk.Outcome], in request: BulkRequest) -> [LoggedOperation] {
    zip(positions, outcomes).compactMap { position, outcome in
      var logged: LoggedOperation
      switch outcome {
      case .refused(let status, let error):
        logged = LoggedOperation(position: position, method: "POST", path: "/Bulk", status: status, error: error)
      case .written(let id, _, _, let relink?):
        logged = LoggedOperation(position: position, method: "POST", path: "/Bulk", status: 201, error: [], relink: relink, resource: id)
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
