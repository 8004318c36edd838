import Hummingbird

/// Queries: of one kind of resource below its endpoint, of all kinds at the root (RFC 7644 §3.4.2, §3.4.3).
struct QueryEndpoints: Sendable {
  let listing: Listing
  /// Below the base URL, with a slash before it; empty for the root.
  let path: String

  var all: [Endpoint] {
    [
      Endpoint(.post, "\(ResourcePath.base)\(path)/.search", handle: listing.search),
      Endpoint(.get, "\(ResourcePath.base)\(path)", handle: listing.list),
    ]
  }
}
