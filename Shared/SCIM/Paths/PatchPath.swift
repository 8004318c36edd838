/// What a PATCH operation aims at: `members`, `name.familyName`, `addresses[type eq "work"].streetAddress` (RFC 7644 figure 7).
public struct PatchPath: Sendable, Hashable {
  /// The attribute; with a filter its sub-attribute is the one behind the bracket.
  public let attribute: AttributePath
  /// Which values of the attribute.
  public let filter: Filter?

  public init(attribute: AttributePath, filter: Filter? = nil) {
    self.attribute = attribute
    self.filter = filter
  }

  /// Parses a path.
  ///
  /// - Throws: `invalidPath` with the position where the text stops being a path.
  public init(parsing text: String, limits: FilterLimits = .patchPath) throws(SCIMError) {
    // A path without a filter needs no parser of filters; that one only knows what is wrong with a path that is none.
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

/// The text of a path; parsing it gives the same path.
extension PatchPath: CustomStringConvertible {
  public var description: String {
    guard let filter else { return attribute.description }
    let subAttribute = attribute.subAttribute.map { ".\($0)" } ?? ""
    return "\(attribute.parent)[\(filter)]\(subAttribute)"
  }
}
