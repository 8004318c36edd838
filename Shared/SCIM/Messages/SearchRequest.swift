/// The parameters of a query, from the URL of a GET (RFC 7644 §3.4.2) or the body of a POST to `.search` (§3.4.3).
public struct SearchRequest: Sendable, Hashable {
  /// The requested attributes; empty for the default ones.
  public var attributes: [String]
  /// The attributes to leave out.
  public var excludedAttributes: [String]
  /// The text of the filter; see ``Filter/init(parsing:limits:)``.
  public var filter: String?
  /// The attribute to sort by.
  public var sortBy: String?
  /// `ascending` or `descending`.
  public var sortOrder: String?
  /// The 1-based position of the first resource.
  public var startIndex: Int?
  /// The maximum number of resources.
  public var count: Int?
  /// The cursor of the page (RFC 9865), empty for the first page; nil for pages by index.
  public var cursor: String?

  /// Creates the parameters of a query.
  public init(
    attributes: [String] = [], excludedAttributes: [String] = [], filter: String? = nil, sortBy: String? = nil, sortOrder: String? = nil,
    startIndex: Int? = nil, count: Int? = nil, cursor: String? = nil
  ) {
    self.attributes = attributes
    self.excludedAttributes = excludedAttributes
    self.filter = filter
    self.sortBy = sortBy
    self.sortOrder = sortOrder
    self.startIndex = startIndex
    self.count = count
    self.cursor = cursor
  }

  /// Reads a SearchRequest message.
  ///
  /// - Throws: A 400 that names the invalid member, what was expected and what was found.
  public init(_ json: JSON) throws(SCIMError) {
    guard case .object(let message) = json else {
      throw .badRequest(.invalidSyntax, "The body must be a JSON object that holds a SearchRequest, found \(json.summary).")
    }
    guard case .array(let schemas)? = message.value(forAttribute: "schemas"),
      schemas.contains(where: { $0.string.map { AttributeName.equal($0, MessageSchema.searchRequest) } ?? false })
    else {
      let found = message.value(forAttribute: "schemas").map(\.summary) ?? "nothing"
      throw .badRequest(.invalidSyntax, "schemas must be an array that holds \(MessageSchema.searchRequest), found \(found).")
    }
    let reader = MessageReader(message: message)
    self.init(
      attributes: try reader.names("attributes"), excludedAttributes: try reader.names("excludedAttributes"),
      filter: try reader.text("filter", isEmptyKept: true), sortBy: try reader.text("sortBy"), sortOrder: try reader.text("sortOrder"),
      startIndex: try reader.integer("startIndex"), count: try reader.integer("count"), cursor: try reader.text("cursor", isEmptyKept: true)
    )
  }
}

/// Reads the members of a message; each may be absent or null.
private struct MessageReader {
  let message: JSONObject

  func text(_ name: String, isEmptyKept: Bool = false) throws(SCIMError) -> String? {
    switch message.value(forAttribute: name) {
    case nil, .null?: return nil
    case .string(let text)?: return text.isEmpty && !isEmptyKept ? nil : text
    case let other?: throw expected(name, "a string", other)
    }
  }

  func integer(_ name: String) throws(SCIMError) -> Int? {
    switch message.value(forAttribute: name) {
    case nil, .null?: return nil
    case .integer(let value)?: return Int(value)
    case let other?: throw expected(name, "a whole number", other)
    }
  }

  func names(_ name: String) throws(SCIMError) -> [String] {
    guard let value = message.value(forAttribute: name), value != .null else { return [] }
    guard case .array(let elements) = value else { throw expected(name, "an array of attribute names", value) }
    var names: [String] = []
    for element in elements {
      guard case .string(let text) = element else { throw expected(name, "an array of attribute names", element) }
      names.append(text)
    }
    return names
  }

  private func expected(_ name: String, _ what: String, _ found: JSON) -> SCIMError {
    .badRequest(.invalidValue, "\(name) of the SearchRequest must be \(what), found \(found.summary).")
  }
}
