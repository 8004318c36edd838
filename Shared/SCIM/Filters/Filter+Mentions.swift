extension Filter {
  /// Whether the filter speaks of a top-level attribute, of whatever schema, or of a part of it.
  public func mentions(_ attribute: String) -> Bool { expression.mentions(attribute) }
}

extension Filter.Expression {
  fileprivate func mentions(_ attribute: String) -> Bool {
    switch self {
    case .comparison(let path, _, _), .present(let path), .value(let path, _): AttributeName.equal(path.attribute, attribute)
    case .and(let operands), .or(let operands): operands.contains { $0.mentions(attribute) }
    case .not(let operand): operand.mentions(attribute)
    }
  }
}
