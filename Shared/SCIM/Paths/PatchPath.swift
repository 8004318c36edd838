/// The parsed path of a PATCH operation (RFC 7644 figure 7): `members`, `name.familyName` or `addresses[type eq "work"].streetAddress`.
public struct PatchPath: Sendable, Hashable {
  /// The attribute. In a path with a filter, its sub-attribute is the one after the bracket.
  public let attribute: AttributePath
  /// The value filter; nil for all values.
  public let filter: Filter?

  /// Creates a path from its parts.
  public init(attribute: AttributePath, filter: Filter? = nil) {
    self.attribute = attribute
    self.filter = filter
  }

  /// Parses a path.
  ///
  /// - Throws: `invalidPath` with the 1-based byte position of the error.
  public init(parsing text: String, limits: FilterLimits = .patchPath) throws(SCIMError) {
    // A path without a filter does not need the filter parser, except for the error message.
    if let attribute = AttributePath(text) {
      self.init(attribute: attribute)
      return
    }
    do {
      var parser = try FilterParser(text, limits: limits)
      self = try parser.wholePatchPath()
    } catch {
      throw .unreadable(.invalidPath, "path", text, error)
    }
  }
}

/// The text of a path; parsing it returns an equal path.
extension PatchPath: CustomStringConvertible {
  public var description: String {
    guard let filter else { return attribute.description }
    let subAttribute = attribute.subAttribute.map { ".\($0)" } ?? ""
    return "\(attribute.parent)[\(filter)]\(subAttribute)"
  }
}
