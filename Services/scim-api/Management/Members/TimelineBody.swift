import EdgeReads
import Models
import ProvisioningLog
import SCIM

extension Timeline.Event {
  /// The event: `at`, `type` and what belongs to the type.
  ///
  /// - Parameter actors: the names of the actors in the event.
  func json(_ actors: ActorNames) -> JSON {
    var object: JSONObject = ["at": .time(at), "type": .string(kind.name)]
    switch kind {
    case .pushed(let entry):
      object.add("entry", entry.id)
      object.add("method", entry.method)
      object.add("path", entry.path)
      object.add("status", entry.status)
      object.add("detail", entry.isFailure ? entry.detail : nil)
      object.add("identityProvider", entry.identityProvider)
      object.add("relink", entry.relink?.rawValue)
      object.add("replayOf", entry.replayOf)
      if entry.isPartlyApplied { object["unapplied"] = .array(entry.unapplied.map { .string($0.path) }) }
    case .mailed(let state, let reason):
      object.add("state", state.rawValue)
      object.add("reason", reason.isEmpty ? nil : actors.displayText(reason))
    case .held(let change, let who), .decided(let change, _, let who):
      object.add("change", change.rawValue)
      object.add("by", actors.displayText(who))
    case .superseded(let change): object.add("change", change.rawValue)
    case .accessEnded(let receipt):
      object.add("receipt", receipt.id)
      object.add("reason", receipt.reason.rawValue)
    case .added, .firstSignedIn, .lastSignedIn, .deleted: break
    }
    return .object(object)
  }
}

extension Timeline.Kind {
  /// The `type` of the event.
  fileprivate var name: String {
    switch self {
    case .pushed: "request"
    case .mailed: "invitation"
    case .added: "added"
    case .firstSignedIn: "first-sign-in"
    case .lastSignedIn: "last-sign-in"
    case .held: "change-held"
    case .decided(_, .approve, _): "change-approved"
    case .decided(_, .reject, _): "change-rejected"
    case .superseded: "change-superseded"
    case .accessEnded: "access-ended"
    case .deleted: "deleted"
    }
  }
}
