import EdgeReads
import Foundation
import Models
import SCIM

extension ListedToken {
  /// The JSON of a token or an OAuth client, without its secret.
  func json(at now: Date) -> JSONObject {
    var object: JSONObject = [
      "id": .string("\(id)"), "name": .string(name), "scopes": .array(scopes.map { .string($0.rawValue) }),
      "status": .string(revokedAt != nil ? "revoked" : isActive(at: now) ? "active" : "expired"),
      "createdAt": .string(Timestamp.text(createdAt)), "createdBy": .string(createdBy),
    ]
    object["expiresAt"] = expiresAt.map { .string(Timestamp.text($0)) }
    object["revokedAt"] = revokedAt.map { .string(Timestamp.text($0)) }
    object["predecessor"] = predecessor.map { .string("\($0.id)") }
    object["successor"] = successor.map { .string("\($0.id)") }
    object["formerSecretExpiresAt"] = formerUntil.map { .string(Timestamp.text($0)) }
    if let lastUse {
      var use: JSONObject = ["at": .string(Timestamp.text(lastUse.at))]
      if !lastUse.address.isEmpty { use["address"] = .string(lastUse.address) }
      object["lastUse"] = .object(use)
    }
    return object
  }
}
