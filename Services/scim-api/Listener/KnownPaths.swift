import Hummingbird

/// The paths that the router knows, with their methods: what tells 404 from 405, and fills `Allow`.
struct KnownPaths: Sendable {
  private var methods: [(path: [Substring], methods: [HTTPRequest.Method])] = []

  /// - Parameter pattern: `/a/{id}`; a segment in braces stands for any.
  mutating func add(_ pattern: String, _ method: HTTPRequest.Method) {
    let path = pattern.split(separator: "/")
    if let index = methods.firstIndex(where: { $0.path == path }) {
      methods[index].methods.append(method)
    } else {
      methods.append((path, [method]))
    }
  }

  /// Every path with its methods, in the order they were added.
  var all: [(pattern: String, methods: [HTTPRequest.Method])] {
    methods.map { ("/" + $0.path.joined(separator: "/"), $0.methods) }
  }

  /// The methods of `path`; none where it is unknown.
  func methods(of path: String) -> [HTTPRequest.Method] {
    let segments = path.split(separator: "/")
    let match = methods.first { known in
      known.path.count == segments.count && zip(known.path, segments).allSatisfy { $0.hasPrefix("{") || $0 == $1 }
    }
    return match?.methods ?? []
  }
}
