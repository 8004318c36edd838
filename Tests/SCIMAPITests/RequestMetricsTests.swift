import Foundation
import Hummingbird
import Models
import Testing

@testable import EdgeHTTP
@testable import ServiceKit

@Suite("Metrics of requests")
struct RequestMetricsTests {
  private let registry = PrometheusRegistry()

  private var lines: [String] { registry.text().split(separator: "\n").map(String.init) }

  @Test(
    "Each route belongs to an API",
    arguments: [
      ("/api/v2/scim/Users/{id}", "scim"), ("/api/v2/scim", "scim"), ("/api/v2/admin/workspaces", "management"),
      ("/api/v2/events", "events"),
      ("/api/v2/events/snapshot", "events"), ("/api/v2/sign-ins", "product"), ("/api/v2/directory/groups", "product"),
      ("/api/v2/mail-events", "product"), ("/api/v2/oauth/token", "oauth"), ("/.well-known/jwks.json", "oauth"),
      ("/api/openapi.json", "other"),
      ("/console/members", "console"), ("NotFound", "none"), (nil, "none"),
    ] as [(String?, String)])
  func apis(route: String?, api: String) {
    #expect(RequestMetrics.api(of: route) == api)
  }

  @Test("Only the counter has the route and the status as labels")
  func labels() {
    let metrics = RequestMetrics(factory: registry)
    for status in [200, 404] {
      metrics.begin()
      metrics.end(.get, route: "/api/v2/scim/Users/{id}", status: status, .milliseconds(20))
    }
    #expect(lines.contains(#"http_requests_total{api="scim",method="GET",route="/api/v2/scim/Users/{id}",status="404"} 1"#))
    #expect(lines.contains(#"http_request_duration_seconds_count{api="scim",method="GET"} 2"#))
    #expect(lines.contains(#"http_request_duration_seconds_bucket{api="scim",method="GET",le="0.025"} 2"#))
    #expect(lines.contains("# HELP http_requests_in_flight HTTP requests that are being processed, including long polls."))
  }

  @Test("Requests are in flight until they end, also without a response")
  func inFlight() {
    let metrics = RequestMetrics(factory: registry)
    for _ in 0..<3 { metrics.begin() }
    #expect(lines.contains("http_requests_in_flight 3"))
    metrics.cancel()
    metrics.end(.post, route: nil, status: 404, .zero)
    #expect(lines.contains("http_requests_in_flight 1"))
  }

  @Test("Every limit has a series before it rejects a request")
  func rejections() {
    let metrics = RejectionMetrics(factory: registry)
    metrics.record(.workspaceRate)
    #expect(lines.contains(#"http_requests_rejected_total{limit="workspace-rate"} 1"#))
    for limit in RequestLimit.allCases where limit != .workspaceRate {
      #expect(lines.contains(#"http_requests_rejected_total{limit="\#(limit.rawValue)"} 0"#))
    }
  }

  @Test("Errors of limits name their limit, also without their secrets")
  func errors() throws {
    let limits = RateLimits(
      RateLimits.Rates(token: Rate(perSecond: 1, burst: 1), workspace: Rate(perSecond: 1, burst: 2)), now: { 0 })
    let workspace = WorkspaceID.made(at: .now)
    let tokens = (0..<3).map { _ in TokenID.made(at: .now) }
    try limits.count(tokens[0], of: workspace)
    #expect(limit { try limits.count(tokens[0], of: workspace) } == .tokenRate)
    try limits.count(tokens[1], of: workspace)
    #expect(limit { try limits.count(tokens[2], of: workspace) } == .workspaceRate)
    #expect(APIError.overloaded().withoutSecrets.limit == .capacity)
    #expect(APIError.tooManyRequests("writes", of: "token", limit: 1).limit == .inFlight)
    #expect(APIError.databaseAway().limit == nil)
  }

  /// The limit of the error that `body` throws.
  private func limit(_ body: () throws -> Void) -> RequestLimit? {
    do {
      try body()
      return nil
    } catch {
      return (error as? APIError)?.limit
    }
  }
}
