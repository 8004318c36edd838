/// Filters, paths and lists of attributes.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let text = Fuzz.text(start, count)
  Fuzz.trying {
    let filter = try Filter(parsing: text)
    let again = try Filter(parsing: "\(filter)", limits: FilterLimits(bytes: 1 << 20))
    precondition(again == filter, "a filter that was written is read as it was")
    _ = filter.matches(Fuzz.user.attributes, schema: Fuzz.schemas.user)
    _ = (filter.equality, filter.equalities)
  }
  Fuzz.trying {
    let path = try PatchPath(parsing: text)
    let again = try PatchPath(parsing: "\(path)", limits: FilterLimits(bytes: 1 << 20, terms: 1000))
    precondition(again == path, "a path that was written is read as it was")
  }
  Fuzz.trying {
    let projection = try Projection(attributes: text, excluded: nil, schema: Fuzz.schemas.user)
    _ = projection.apply(to: Fuzz.user.attributes)
  }
  return 0
}
