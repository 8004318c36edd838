import EdgeReads
import Models
import Primitives
import SCIM

extension StoredWebhook {
  /// The endpoint.
  ///
  /// - Parameters:
  ///   - secret: the secret, in the response that creates it.
  ///   - failing: the first workspaces whose next event could not be delivered yet.
  func json(secret: String? = nil, failing: [WebhookProgress]? = nil) -> JSON {
    var object: JSONObject = [
      "id": .id(id), "url": .string(subscription.url), "description": .string(subscription.description),
      "types": subscription.types.map { .array($0.map(JSON.string)) } ?? .null, "state": .string(state.rawValue),
    ]
    object.add("disabledReason", disabledReason)
    object.add("disabledAt", disabledAt)
    object.add("formerSecretUntil", formerSecretUntil)
    object.add("createdAt", createdAt)
    object.add("modifiedAt", modifiedAt)
    object.add("secret", secret)
    object["failing"] = failing.map { .array($0.map(\.json)) }
    return .object(object)
  }
}

extension WebhookProgress {
  /// How far the events of a workspace are delivered.
  var json: JSON {
    var object: JSONObject = ["workspace": .id(workspace), "lastSequence": .integer(lastSequence), "failedAttempts": .number(attempts)]
    object.add("firstFailedAt", firstFailedAt)
    object.add("nextAttemptAt", nextAttemptAt)
    object.add("lastError", lastError)
    return .object(object)
  }
}

extension WebhookDelivery {
  /// The attempt, with the start of the response. The events API has the event.
  var json: JSON {
    var object: JSONObject = [
      "id": .string(UUIDText.text(id)), "at": .time(at), "workspace": .id(workspace), "sequence": sequence.map(JSON.integer) ?? .null,
      "event": .string(event), "type": .string(type), "webhookId": .string(webhookID), "attempt": .number(attempt),
      "isAhead": .bool(isAhead), "isDelivered": .bool(isDelivered), "url": .string(url), "durationMilliseconds": .number(milliseconds),
    ]
    object.add("error", error)
    if status != nil || responseHead != nil {
      var response = JSONObject()
      response.add("status", status)
      response.add("head", responseHead)
      response.add("body", responseBody)
      object["response"] = .object(response)
    }
    return .object(object)
  }
}
