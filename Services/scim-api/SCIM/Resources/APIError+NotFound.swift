import EdgeHTTP
import EdgeReads
import Models
import ProvisioningLog
import SCIMStorage

extension APIError {
  /// The 404 for a resource, with advice for the administrator of the identity provider.
  ///
  /// - Parameters:
  ///   - id: the id as in the path.
  ///   - remains: the tombstone if the resource was deleted.
  static func notFound(_ kind: ResourceKind, _ id: String, remains: DeletedResource?) -> APIError {
    var detail = "\(kind.rawValue) not found: this workspace has no \(kind.rawValue.lowercased()) with id \(Redaction.path(id).prefix(64))"
    if let remains { detail += "; it was deleted on \(Timestamp.text(remains.deletedAt))" }
    detail += ". "
    if let successor = remains?.successor {
      detail += "A user with the same userName '\(successor.userName)' exists with id \(successor.id). "
    }
    switch kind {
    case .user:
      detail += """
        The identity provider still refers to the old id: unassign the user from the application there and assign it again, so that it \
        looks the user up anew.
        """
    case .group: detail += "Unlink the group from the application in the identity provider and push it again."
    }
    return APIError(404, detail)
  }
}
