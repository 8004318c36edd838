import SCIMStorage

/// The endpoints of one kind of resource (RFC 7644 §3.2).
struct ResourceEndpoints: Sendable {
  let retrieval: Retrieval
  let writing: Writing

  var all: [Endpoint] {
    let collection = "\(ResourcePath.base)/\(writing.kind.endpoint)"
    let one = "\(collection)/{\(ResourcePath.id)}"
    return [
      Endpoint(.post, collection, handle: writing.create),
      Endpoint(.get, one, handle: retrieval.retrieve),
      Endpoint(.put, one, handle: writing.replace),
      Endpoint(.patch, one, handle: writing.patch),
      Endpoint(.delete, one, handle: writing.delete),
    ]
  }
}
