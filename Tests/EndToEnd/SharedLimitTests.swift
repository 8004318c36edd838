import Foundation
import TestSupport
import Testing

extension EndToEnd {
  @Suite("Rate limits of several scim-api processes")
  struct SharedLimits {
    @Test("The rate of a workspace holds for two processes together, and both accept requests")
    func rate() async throws {
      let deployment = try await Deployment.shared()
      let workspace = try await deployment.workspace()
      let edges = try await deployment.startLimitedEdges().map {
        IdentityProvider(baseURL: $0, token: workspace.identityProvider.token)
      }
      for name in Deployment.limited {
        // The first process of the deployment is one of them.
        try await eventually("\(name) to know the others") {
          try await deployment.metrics(of: name).split(separator: "\n").contains {
            $0.hasPrefix("rollcall_rate_limit_edges ") && Double($0.split(separator: " ")[1]) ?? 0 >= 3
          }
        }
      }
      let counts = [RequestCount(), RequestCount()]
      let rate = Double(Deployment.limitedRate)
      let began = ContinuousClock.now
      try await withThrowingTaskGroup(of: Void.self) { group in
        for (edge, count) in zip(edges, counts) {
          for _ in 0..<2 {
            group.addTask {
              while await !count.isComplete {
                let status = try await edge.send("GET", "/Schemas").status
                await count.record(status)
                try await Task.sleep(for: .milliseconds(20))
              }
            }
          }
        }
        // Processes that limited by themselves would accept twice as much, and the sum would stay above what is allowed.
        try await eventually("enough requests, and no more accepted than the rate allows") {
          var (accepted, offered): ([Double], [Double]) = ([], [])
          for count in counts {
            accepted.append(Double(await count.accepted))
            offered.append(Double(await count.accepted + count.rejected))
          }
          // Measured after the requests were counted, so it is no shorter than the time in which they were accepted.
          let allowed = rate + rate * 1.2 * ((ContinuousClock.now - began) / .seconds(1))
          let total = accepted.reduce(0, +)
          return total >= 6 * rate && total <= allowed && offered.allSatisfy { $0 > allowed }
        }
        for count in counts { await count.complete() }
        try await group.waitForAll()
      }
      for name in Deployment.limited { await deployment.stop(name) }
      var accepted: [Int] = []
      for count in counts { accepted.append(await count.accepted) }
      print("two processes accepted \(accepted) requests")
      #expect(accepted.allSatisfy { 10 * $0 >= accepted.reduce(0, +) }, "\(accepted)")
    }
  }
}

/// Counts responses.
private actor RequestCount {
  private(set) var accepted = 0
  private(set) var rejected = 0
  /// Whether no further request is needed.
  private(set) var isComplete = false

  func complete() { isComplete = true }

  func record(_ status: Int) {
    switch status {
    case 200: accepted += 1
    case 429: rejected += 1
    default: Issue.record("status \(status)")
    }
  }
}
