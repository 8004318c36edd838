import Foundation
import Models
import TestSupport
import Testing

@testable import scim_api

extension EndToEnd {
  @Suite("Isolation")
  struct Isolation {
    @Test(
      "No route of the edge lets one workspace at what is another's, whatever ids, tags, cursors, filters, references or tokens it sends")
    func routes() async throws {
      let suite = try await Suite.shared()
      let victim = try await Victim(suite.workspace())
      let intruder = try await Intruder(suite.workspace(), against: victim)
      let routes = Routes()
      let endpoints = routes.endpoints
      #expect(!endpoints.isEmpty)
      for endpoint in endpoints {
        guard let intrusion = Intrusions.all[endpoint.name] else {
          Issue.record("\(endpoint.name) is a new route: say in Intrusions what another workspace could try there")
          continue
        }
        let path = endpoint.pattern.replacingOccurrences(of: "{id}", with: victim.user)
        let body = ["GET", "DELETE"].contains(endpoint.method.rawValue) ? nil : "{}"
        for token in [try intruder.forgedToken, "", "nonsense", AccessToken.made(for: .made(at: Date())).text] {
          let answer = try await intruder.send(endpoint.method.rawValue, path, body, token: token)
          #expect(answer.status == 401, "\(endpoint.name): \(answer.text)")
        }
        try await intrusion(intruder)
        #expect(try await victim.isUntouched(), "after \(endpoint.name)")
      }
      #expect(Set(Intrusions.all.keys).subtracting(endpoints.map(\.name)) == [], "there are no such routes any more")
      #expect(Set(routes.open.map(\.name)) == Set(Intrusions.open.keys))
      for intrusion in Intrusions.open.values { try await intrusion(intruder) }
      #expect(try await victim.isUntouched(), "after the routes that need no token")
    }
  }
}
