import SCIM

/// JSON merge patch (RFC 7396).
enum MergePatch {
  /// The result of applying `patch` to `target`: its members replace those of the target, and null removes a member.
  static func apply(_ patch: JSON, to target: JSON?) -> JSON {
    guard let patch = patch.object else { return patch }
    var result = target?.object ?? JSONObject()
    for member in patch {
      if member.value == .null {
        result.removeMember(member.key)
      } else {
        result[member.key] = apply(member.value, to: result[member.key])
      }
    }
    return .object(result)
  }
}

extension JSONObject {
  /// Removes a member. An assignment of the literal nil could be read as the JSON value null.
  mutating func removeMember(_ key: String) { self[key] = Optional<JSON>.none }
}
