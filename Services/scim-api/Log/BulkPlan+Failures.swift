import Models
import SCIM

extension BulkPlan {
  /// The operations of `request` that `outcomes`, those of ``bulk``, say were refused or applied in part.
  func failures(_ outcomes: [Bulk.Outcome], in request: BulkRequest) -> [FailedOperation] {
    zip(positions, outcomes).compactMap { position, outcome in
      var failure: FailedOperation
      switch outcome {
      case .refused(let status, let error):
        failure = FailedOperation(position: position, method: "POST", path: "/Bulk", status: status, error: error)
      case .written(_, _, _, let unapplied?):
        failure = FailedOperation(position: position, method: "POST", path: "/Bulk", status: 200, error: [], unapplied: unapplied)
      case .written, .done: return nil
      }
      switch request.operations[position] {
      case .success(let operation):
        failure.method = operation.method.rawValue
        failure.path = operation.path
        failure.data = operation.data
      case .failure(let operation): failure.method = operation.method.map { String($0.prefix(20)) } ?? failure.method
      }
      return failure
    }.sorted { $0.position < $1.position }
  }
}
