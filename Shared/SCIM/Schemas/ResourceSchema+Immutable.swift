/// Immutable attributes (RFC 7643 §2.2): set once, then kept.
extension ResourceSchema {
  /// - Throws: `mutability` where `after` has another value than `before`, or none, for an attribute that was set.
  func checkImmutables(before: JSONObject, after: JSONObject) throws(SCIMError) {
    for location in immutables {
      guard let old = location.value(in: before) else { continue }
      let new = location.value(in: after)
      guard new == old else { throw .immutable(location, new) }
    }
  }

  /// The new state of a resource that is replaced: a value that was set has to be given as it is, or not at all, and then it stays
  /// (RFC 7644 §3.5.1).
  func keepingImmutables(of before: JSONObject, in after: JSONObject) throws(SCIMError) -> JSONObject {
    var kept = after
    for location in immutables {
      guard let old = location.value(in: before) else { continue }
      switch location.value(in: after) {
      case nil: location.set(old, in: &kept)
      case let new? where new != old: throw .immutable(location, new)
      case _?: break
      }
    }
    return try ResourceReader(schema: self).read(.object(kept))
  }
}

extension SCIMError {
  static func immutable(_ location: AttributeLocation, _ new: JSON?) -> SCIMError {
    .badRequest(
      .mutability, "\(location.description) is immutable: it can't be changed once it is set, found \(new?.summary ?? "nothing").")
  }
}
