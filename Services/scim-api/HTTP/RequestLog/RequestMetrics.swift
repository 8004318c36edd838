import Hummingbird
import Metrics
import Synchronization

/// Counts and times requests. Only the counter has the route and the status as labels; a histogram has a dozen lines for each combination.
final class RequestMetrics: Sendable {
  private struct Kind: Hashable {
    let method: String
    let route: String
    let status: Int
  }

  private struct Instruments {
    let count: Counter
    let time: Metrics.Timer
  }

  private let factory: any MetricsFactory
  private let instruments = Mutex<[Kind: Instruments]>([:])
  private let inFlight: Meter

  /// - Parameter factory: the backend of the metrics.
  init(factory: any MetricsFactory = MetricsSystem.factory) {
    self.factory = factory
    inFlight = Meter(label: "http_requests_in_flight", factory: factory)
  }

  /// Counts a request as in flight until ``end(_:route:status:_:)``.
  func begin() {
    inFlight.increment(by: 1.0)
  }

  /// Records a request that has ended without a response.
  func cancel() {
    inFlight.decrement(by: 1.0)
  }

  /// Records a request that has ended.
  ///
  /// - Parameter route: the pattern of the route; nil for unknown paths, which all have the same label.
  func end(_ method: HTTPRequest.Method, route: String?, status: Int, _ duration: Duration) {
    inFlight.decrement(by: 1.0)
    let method = Self.methods.contains(method) ? method.rawValue : "other"
    let instruments = instruments(of: Kind(method: method, route: route ?? Self.unknown, status: status), api: Self.api(of: route))
    instruments.count.increment()
    let (seconds, attoseconds) = duration.components
    instruments.time.recordNanoseconds(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
  }

  private func instruments(of kind: Kind, api: String) -> Instruments {
    instruments.withLock { [factory] known in
      if let instruments = known[kind] { return instruments }
      let new = Instruments(
        count: Counter(
          label: "http_requests_total",
          dimensions: [("api", api), ("method", kind.method), ("route", kind.route), ("status", String(kind.status))], factory: factory),
        time: Metrics.Timer(
          label: "http_request_duration_seconds", dimensions: [("api", api), ("method", kind.method)], factory: factory))
      known[kind] = new
      return new
    }
  }

  /// The methods with a label of their own. A client can send any method, so the others are counted together.
  private static let methods: Set<HTTPRequest.Method> = [.get, .head, .post, .put, .patch, .delete, .options]

  private static let unknown = "NotFound"

  /// The API that a route belongs to.
  static func api(of route: String?) -> String {
    // Hummingbird's name of the route of unknown paths.
    guard let route, route != unknown else { return "none" }
    let path = route.hasPrefix("/") ? route : "/" + route
    return apis.first { path == $0.path || path.hasPrefix($0.path + "/") }?.name ?? "console"
  }

  private static let apis: [(path: String, name: String)] = [
    (ResourcePath.base, "scim"), (ResourcePath.admin, "management"), (ResourcePath.events, "events"), (ResourcePath.signIns, "product"),
    (ResourcePath.directory, "product"), (ResourcePath.mailEvents, "product"), ("/api/v2/oauth", "oauth"),
    ("/.well-known", "oauth"), ("/api", "other"),
  ]
}
