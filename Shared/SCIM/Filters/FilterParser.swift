extension Filter {
  /// Parses a filter.
  ///
  /// - Throws: `invalidFilter` with the 1-based byte position of the error.
  public init(parsing text: String, limits: FilterLimits = FilterLimits()) throws(SCIMError) {
    do {
      var parser = try FilterParser(text, limits: limits)
      self.init(try parser.wholeFilter())
    } catch {
      throw .unreadable(.invalidFilter, "filter", text, error)
    }
  }
}

/// A recursive-descent parser of the grammar in RFC 7644 figure 1. `not` binds closest, then `and`, then `or`.
struct FilterParser {
  private var lexer: FilterLexer
  private let limits: FilterLimits
  private var token: FilterLexer.Token
  private var tokenStart: Int
  private var depth = 0
  private var terms = 0

  init(_ text: String, limits: FilterLimits) throws(FilterSyntaxError) {
    guard text.utf8.count <= limits.bytes else {
      throw FilterSyntaxError(offset: limits.bytes, reason: "it is longer than \(limits.bytes) bytes")
    }
    self.limits = limits
    lexer = FilterLexer(text)
    token = try lexer.next()
    tokenStart = lexer.tokenStart
  }

  mutating func wholeFilter() throws(FilterSyntaxError) -> Filter.Expression {
    let expression = try disjunction(inBrackets: false)
    guard token == .end else { throw expected("'and', 'or' or the end") }
    return expression
  }

  /// Parses the path of a PATCH operation: `attrPath`, `attrPath[filter]` or `attrPath[filter].subAttr`.
  mutating func wholePatchPath() throws(FilterSyntaxError) -> PatchPath {
    let path = try attributePath()
    guard token == .openBracket else {
      guard token == .end else { throw expected("'[' or the end") }
      return PatchPath(attribute: path)
    }
    guard path.subAttribute == nil else { throw failure("a value filter stands after an attribute, not after a sub-attribute") }
    let filter = try bracketed()
    var subAttribute: String?
    if case .subAttribute(let name) = token {
      subAttribute = name
      try advance()
    }
    guard token == .end else { throw expected("'.', a sub-attribute or the end") }
    return PatchPath(
      attribute: AttributePath(schema: path.schema, attribute: path.attribute, subAttribute: subAttribute), filter: Filter(filter))
  }

  private mutating func advance() throws(FilterSyntaxError) {
    token = try lexer.next()
    tokenStart = lexer.tokenStart
  }

  private func failure(_ reason: String) -> FilterSyntaxError { FilterSyntaxError(offset: tokenStart, reason: reason) }

  private func expected(_ what: String) -> FilterSyntaxError { failure("expected \(what), found \(token.summary)") }

  private func isWord(_ word: String) -> Bool {
    if case .word(let text) = token { AttributeName.equal(text, word) } else { false }
  }

  private mutating func nested<R>(_ body: (inout FilterParser) throws(FilterSyntaxError) -> R) throws(FilterSyntaxError) -> R {
    depth += 1
    guard depth <= limits.depth else { throw failure("it nests more than \(limits.depth) deep") }
    defer { depth -= 1 }
    return try body(&self)
  }

  private mutating func disjunction(inBrackets: Bool) throws(FilterSyntaxError) -> Filter.Expression {
    var operands = [try conjunction(inBrackets: inBrackets)]
    while isWord("or") {
      try advance()
      operands.append(try conjunction(inBrackets: inBrackets))
    }
    return .any(of: operands)
  }

  private mutating func conjunction(inBrackets: Bool) throws(FilterSyntaxError) -> Filter.Expression {
    var operands = [try factor(inBrackets: inBrackets)]
    while isWord("and") {
      try advance()
      operands.append(try factor(inBrackets: inBrackets))
    }
    return .all(of: operands)
  }

  private mutating func factor(inBrackets: Bool) throws(FilterSyntaxError) -> Filter.Expression {
    if token == .openParenthesis { return try parenthesised(inBrackets: inBrackets) }
    if isWord("not") {
      try advance()
      guard token == .openParenthesis else { throw expected("'(' after 'not'") }
      return .not(try parenthesised(inBrackets: inBrackets))
    }
    return try term(inBrackets: inBrackets)
  }

  private mutating func parenthesised(inBrackets: Bool) throws(FilterSyntaxError) -> Filter.Expression {
    try nested { parser throws(FilterSyntaxError) in
      try parser.advance()
      let expression = try parser.disjunction(inBrackets: inBrackets)
      guard parser.token == .closeParenthesis else { throw parser.expected("'and', 'or' or ')'") }
      try parser.advance()
      return expression
    }
  }

  private mutating func attributePath() throws(FilterSyntaxError) -> AttributePath {
    guard case .word(let text) = token else { throw expected("an attribute") }
    guard let path = AttributePath(text) else { throw failure("'\(text.prefix(80))' is no attribute path") }
    try advance()
    return path
  }

  private mutating func bracketed() throws(FilterSyntaxError) -> Filter.Expression {
    try nested { parser throws(FilterSyntaxError) in
      try parser.advance()
      let inner = try parser.disjunction(inBrackets: true)
      guard parser.token == .closeBracket else { throw parser.expected("'and', 'or' or ']'") }
      try parser.advance()
      return inner
    }
  }

  private mutating func term(inBrackets: Bool) throws(FilterSyntaxError) -> Filter.Expression {
    terms += 1
    guard terms <= limits.terms else { throw failure("it has more than \(limits.terms) comparisons") }
    let path = try attributePath()
    if token == .openBracket {
      guard !inBrackets else { throw failure("a value filter can't stand inside of another") }
      guard path.subAttribute == nil else { throw failure("a value filter stands after an attribute, not after a sub-attribute") }
      let inner = try bracketed()
      guard case .subAttribute(let name) = token else { return .value(path, inner) }
      try advance()
      return .value(path, .all(of: [inner, try comparison(of: AttributePath(attribute: name))]))
    }
    return try comparison(of: path)
  }

  private mutating func comparison(of path: AttributePath) throws(FilterSyntaxError) -> Filter.Expression {
    if isWord("pr") {
      try advance()
      return .present(path)
    }
    guard case .word(let text) = token, let comparison = Filter.Operator(rawValue: AttributeName.folded(text)) else {
      throw expected("an operator (eq, ne, co, sw, ew, pr, gt, ge, lt, le) after '\(path)'")
    }
    try advance()
    let value = try comparisonValue()
    try advance()
    return .comparison(path, comparison, value)
  }

  private func comparisonValue() throws(FilterSyntaxError) -> Filter.Value {
    switch token {
    case .string(let text): return .string(text)
    case .number(.integer(let value)): return .integer(value)
    case .number(.decimal(let lexeme)): return .decimal(lexeme)
    case .word where isWord("true"): return .bool(true)
    case .word where isWord("false"): return .bool(false)
    case .word where isWord("null"): return .null
    default: throw expected("a string in double quotes, a number, true, false or null")
    }
  }
}

extension Filter.Expression {
  /// Returns the flattened conjunction of at least one operand.
  static func all(of operands: [Filter.Expression]) -> Filter.Expression {
    let flat = operands.flatMap { operand in
      if case .and(let inner) = operand { inner } else { [operand] }
    }
    return flat.count == 1 ? flat[0] : .and(flat)
  }

  /// Returns the flattened disjunction of at least one operand.
  static func any(of operands: [Filter.Expression]) -> Filter.Expression {
    let flat = operands.flatMap { operand in
      if case .or(let inner) = operand { inner } else { [operand] }
    }
    return flat.count == 1 ? flat[0] : .or(flat)
  }
}
