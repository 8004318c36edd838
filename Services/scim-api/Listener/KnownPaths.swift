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

  /// What can be done at `path`, with what goes without saying: HEAD where there is GET (RFC 9110 §9.3.2), and OPTIONS. None where the path
  /// is unknown. Of several patterns the one with the most literal segments is meant, as it is by the router.
  func methods(of path: String) -> [HTTPRequest.Method] {
    let segments = path.split(separator: "/")
    let matching = methods.filter { known in
      known.path.count == segments.count && zip(known.path, segments).allSatisfy { $0.hasPrefix("{") || $0 == $1 }
    }
    guard let meant = matching.max(by: { $0.path.count { !$0.hasPrefix("{") } < $1.path.count { !$0.hasPrefix("{") } }) else { return [] }
    return meant.methods.flatMap { $0 == .get ? [.get, .head] : [$0] } + [.options]
  }
}
