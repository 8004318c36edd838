/// The `filter` target: filters, attribute paths and attribute lists.
extension Fuzz {
  static func filter(_ bytes: UnsafeBufferPointer<UInt8>) {
    let text = String(decoding: bytes, as: UTF8.self)
    trying {
      let filter = try Filter(parsing: text)
      let again = try Filter(parsing: "\(filter)", limits: FilterLimits(bytes: 1 << 20))
      precondition(again == filter, "a serialized filter parses to the same filter")
      for schema in schemas.all { _ = try filter.typed(for: schema).matches(user.attributes) }
    }
    trying {
      let path = try PatchPath(parsing: text)
      let again = try PatchPath(parsing: "\(path)", limits: FilterLimits(bytes: 1 << 20, terms: 1000))
      precondition(again == path, "a serialized path parses to the same path")
    }
    trying {
      let projection = try Projection(attributes: text, excluded: nil, schema: schemas.user)
      _ = projection.apply(to: user.attributes)
    }
  }
}
