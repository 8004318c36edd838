import Credentials
import Foundation
import Models
import TestSupport
import Testing

@testable import AdminConsole
@testable import EdgeHTTP
@testable import EdgeReads
@testable import ProductAPI
@testable import SCIMControllers
@testable import ScimAPI

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
        let body = ["GET", "DELETE"].contains(endpoint.method) ? nil : "{}"
        for token in [try intruder.forgedToken, "", "nonsense", AccessToken.made(for: .made(at: Date())).text] {
          let answer = try await intruder.send(endpoint.method, path, body, token: token)
          #expect(answer.status == 401, "\(endpoint.name): \(answer.text)")
        }
        try await intrusion(intruder)
        #expect(try await victim.isUntouched(), "after \(endpoint.name)")
      }
      #expect(Set(Intrusions.all.keys).subtracting(endpoints.map(\.name)) == [], "there are no such routes any more")
      // The console's style sheet and script have names of what is in them, and say nothing of anybody.
      let open = routes.open.filter { !$0.pattern.hasPrefix("/console/assets/") }
      #expect(Set(open.map(\.name)) == Set(Intrusions.open.keys))
      for intrusion in Intrusions.open.values { try await intrusion(intruder) }
      #expect(try await victim.isUntouched(), "after the routes that need no token")
    }

    @Test("No page of the console shows one workspace anything of another's, and no form changes it, whatever ids and fields are sent")
    func console() async throws {
      let suite = try await Suite.shared()
      let victim = try await Victim(suite.workspace())
      let targets = try await ConsoleTargets(victim)
      let intruder = try await ConsoleIntruder(suite.workspace(), against: victim, targets)
      let routes = Routes().console
      #expect(routes.contains { $0.method == "POST" } && routes.contains { $0.method == "GET" })
      // First the ids alone: one of the fields below may be taken for the id of something of the intruder's own.
      for route in routes {
        try await intruder.tryWithoutSession(route)
        try await intruder.tryIDs(route)
        #expect(try await targets.areUntouched(), "after \(route.name)")
      }
      for route in routes {
        guard let attempts = ConsoleIntrusions.all[route.name] else {
          Issue.record("\(route.name) is a new route of the console: say in ConsoleIntrusions what another workspace could try there")
          continue
        }
        for attempt in attempts(targets) { try await intruder.tryOut(route, attempt) }
        #expect(try await targets.areUntouched(), "after \(route.name)")
      }
      #expect(Set(ConsoleIntrusions.all.keys).subtracting(routes.map(\.name)) == [], "there are no such routes any more")
    }
  }
}
