import Hummingbird
import Metrics
import Synchronization

/// Counts and times requests by method, route and status.
final class RequestMetrics: Sendable {
  private struct Kind: Hashable {
    let method: String
    let route: String
    let status: Int

    var dimensions: [(String, String)] { [("method", method), ("route", route), ("status", String(status))] }
  }

  private struct Instruments {
    let count: Counter
    let time: Metrics.Timer
  }

  private let instruments = Mutex<[Kind: Instruments]>([:])

  /// Records a request.
  ///
  /// - Parameter route: the pattern of the route; nil for unknown paths, which all have the same label.
  func record(_ method: HTTPRequest.Method, route: String?, status: Int, _ duration: Duration) {
    let method = Self.methods.contains(method) ? method.rawValue : "other"
    let kind = Kind(method: method, route: route ?? "NotFound", status: status)
    let instruments = instruments.withLock { known in
      if let instruments = known[kind] { return instruments }
      let new = Instruments(
        count: Counter(label: "http_requests_total", dimensions: kind.dimensions),
        time: Metrics.Timer(label: "http_request_seconds", dimensions: kind.dimensions))
      known[kind] = new
      return new
    }
    instruments.count.increment()
    let (seconds, attoseconds) = duration.components
    instruments.time.recordNanoseconds(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
  }

  /// The methods with a label of their own. A client can send any method, so the others are counted together.
  private static let methods: Set<HTTPRequest.Method> = [.get, .head, .post, .put, .patch, .delete, .options]
}
