// Immutable attributes (RFC 7643 §2.2) can be set once.
extension ResourceSchema {
  /// Checks that a PATCH keeps the immutable attributes.
  ///
  /// - Throws: `mutability` if `after` lacks or changes an immutable attribute that `before` has.
  func checkImmutables(before: JSONObject, after: JSONObject) throws(SCIMError) {
    for location in immutables {
      guard let old = location.value(in: before) else { continue }
      let new = location.value(in: after)
      guard new == old else { throw .immutable(location, new) }
    }
  }

  /// Returns the new state of a replaced resource. Immutable attributes that `after` lacks keep their values (RFC 7644 §3.5.1).
  ///
  /// - Throws: `mutability` if `after` changes an immutable attribute.
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
