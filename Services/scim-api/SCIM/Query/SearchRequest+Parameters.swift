import EdgeHTTP
import EdgeReads
import SCIM

extension SearchRequest {
  /// Parses the query of a GET (RFC 7644 §3.4.2, RFC 9865 §2).
  init(_ parameters: QueryParameters) throws(APIError) {
    self.init(
      attributes: Self.names(parameters["attributes"]), excludedAttributes: Self.names(parameters["excludedAttributes"]),
      // An empty filter is an error, not an absent one: the client would mistake the whole list for a filtered one.
      filter: parameters.given("filter"), sortBy: parameters["sortBy"], sortOrder: parameters["sortOrder"],
      startIndex: try parameters.integer("startIndex"), count: try Self.count(parameters), cursor: parameters.given("cursor"))
  }

  private static func names(_ list: String?) -> [String] {
    (list ?? "").split(separator: ",").map { $0.filter { !$0.isWhitespace } }.filter { !$0.isEmpty }
  }

  private static func count(_ parameters: QueryParameters) throws(APIError) -> Int? {
    guard parameters.given("cursor") != nil, let text = parameters["count"] else { return try parameters.integer("count") }
    guard let count = Int(text) else { throw .invalidCount(text) }
    return count
  }
}
