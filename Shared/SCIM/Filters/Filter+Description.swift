/// The text of a filter; parsing it gives the same filter.
extension Filter: CustomStringConvertible {
  public var description: String { expression.description }
}

extension Filter.Expression: CustomStringConvertible {
  public var description: String {
    switch self {
    case .comparison(let path, let comparison, let value): "\(path) \(comparison.rawValue) \(value)"
    case .present(let path): "\(path) pr"
    case .and(let operands): operands.map { $0.isDisjunction ? "(\($0))" : "\($0)" }.joined(separator: " and ")
    case .or(let operands): operands.map(\.description).joined(separator: " or ")
    case .not(let operand): "not (\(operand))"
    case .value(let path, let inner): "\(path)[\(inner)]"
    }
  }

  private var isDisjunction: Bool {
    if case .or = self { true } else { false }
  }
}

extension Filter.Value: CustomStringConvertible {
  public var description: String { String(decoding: json.serialized(), as: UTF8.self) }
}
