import EdgeReads
import Models
import ProvisioningLog
import SCIM

/// The health of a workspace's connection: what the health page of the console shows.
struct WorkspaceHealthBody: Sendable {
  var settings: WorkspaceSettings
  var health: HealthQuery.Health
  /// The number of changes that wait for approval, up to ``HealthAPIController/maximumHeldChanges``.
  var heldChanges: Int

  var json: JSON {
    var object: JSONObject = ["isOpen": .bool(settings.scimObstacle == nil)]
    object.add("obstacle", settings.scimObstacle.map { "\($0)" })
    object.add("lastRequestAt", health.senders.compactMap { [$0.lastAt, $0.lastUsedAt].compactMap { $0 }.max() }.max())
    object["pendingHeldChanges"] = .number(heldChanges)
    object["senders"] = .array(health.senders.map(\.json))
    object["failures"] = .array(health.failures.map(\.json))
    object["hours"] = .array(health.hours.map(\.json))
    object["days"] = .array(health.days.map(\.json))
    return .object(object)
  }
}

extension HealthQuery.RequestCount {
  fileprivate var json: JSON { ["at": .time(at), "requests": .number(requests), "failures": .number(failures)] }
}

extension HealthQuery.Sender {
  fileprivate var json: JSON {
    var object: JSONObject = ["status": .string(status)]
    object.add("token", token)
    object.add("tokenName", name)
    object["isRevoked"] = .bool(isRevoked)
    object.add("identityProvider", provider)
    object.add("lastRequestAt", lastAt)
    object.add("lastSuccessAt", lastSuccessAt)
    object.add("lastFailureAt", lastFailureAt)
    object["day"] = ["requests": .number(requestsInDay), "failures": .number(failuresInDay)]
    object["month"] = ["requests": .number(requestsInMonth), "failures": .number(failuresInMonth)]
    object.add("uses", uses)
    object.add("lastUsedAt", lastUsedAt)
    return .object(object)
  }

  /// As the health page of the console tells it.
  private var status: String {
    switch (lastSuccessAt, lastFailureAt) {
    case (nil, nil): "only-reads"
    case (nil, .some): "all-failed"
    case (.some(let success), .some(let failure)) where failure > success: "last-failed"
    default: "ok"
    }
  }
}

extension HealthQuery.Failures {
  fileprivate var json: JSON {
    ["cause": .string(cause.rawValue), "summary": .string(cause.summary), "count": .number(count), "lastAt": .time(lastAt)]
  }
}

extension ActivityQuery.WorkspaceRequests {
  /// The requests of a workspace.
  var json: JSON {
    [
      "id": .id(workspace), "slug": .string(slug), "requests": .number(requests), "failed": .number(failed), "rejected": .number(rejected),
      "slowestMilliseconds": .number(Int(slowest.rounded())),
    ]
  }
}
