/// Filters, paths and lists of attributes.
extension Fuzz {
  static func filter(_ bytes: UnsafeBufferPointer<UInt8>) {
    let text = String(decoding: bytes, as: UTF8.self)
    trying {
      let filter = try Filter(parsing: text)
      let again = try Filter(parsing: "\(filter)", limits: FilterLimits(bytes: 1 << 20))
      precondition(again == filter, "a filter that was written is read as it was")
      for schema in schemas.all { _ = try filter.typed(for: schema).matches(user.attributes) }
    }
    trying {
      let path = try PatchPath(parsing: text)
      let again = try PatchPath(parsing: "\(path)", limits: FilterLimits(bytes: 1 << 20, terms: 1000))
      precondition(again == path, "a path that was written is read as it was")
    }
    trying {
      let projection = try Projection(attributes: text, excluded: nil, schema: schemas.user)
      _ = projection.apply(to: user.attributes)
    }
  }
}
