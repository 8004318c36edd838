import Credentials
import Foundation
import Models
import TestSupport
import Testing

@testable import ScimAPI

extension EndToEnd {
  @Suite("Isolation")
  struct Isolation {
    @Test(
      "No route of the edge lets one workspace at what is another's, whatever ids, tags, cursors, filters, references or tokens it sends")
    func routes() async throws {
      let deployment = try await Deployment.shared()
      let victim = try await Victim(deployment.workspace())
      let attacker = try await Attacker(deployment.workspace(), against: victim)
      let routes = Routes()
      let endpoints = routes.endpoints
      #expect(!endpoints.isEmpty)
      for endpoint in endpoints {
        guard let attack = Attacks.all[endpoint.name] else {
          Issue.record("\(endpoint.name) is a new route: say in Attacks what another workspace could try there")
          continue
        }
        let path = endpoint.pattern.replacingOccurrences(of: "{id}", with: victim.user)
        let body = ["GET", "DELETE"].contains(endpoint.method.rawValue) ? nil : "{}"
        for token in [try attacker.forgedToken, "", "nonsense", AccessToken.made(for: .made(at: Date())).text] {
          let answer = try await attacker.send(endpoint.method.rawValue, path, body, token: token)
          #expect(answer.status == 401, "\(endpoint.name): \(answer.text)")
        }
        try await attack(attacker)
        #expect(try await victim.isUntouched(), "after \(endpoint.name)")
      }
      #expect(Set(Attacks.all.keys).subtracting(endpoints.map(\.name)) == [], "there are no such routes any more")
      // The console's style sheet and script have names of what is in them, and say nothing of anybody.
      let open = routes.open.filter { !$0.pattern.hasPrefix("/console/assets/") }
      #expect(Set(open.map(\.name)) == Set(Attacks.open.keys))
      for attack in Attacks.open.values { try await attack(attacker) }
      #expect(try await victim.isUntouched(), "after the routes that need no token")
    }

    @Test("No page of the console shows one workspace anything of another's, and no form changes it, whatever ids and fields are sent")
    func console() async throws {
      let deployment = try await Deployment.shared()
      let victim = try await Victim(deployment.workspace())
      let targets = try await ConsoleTargets(victim)
      let attacker = try await ConsoleAttacker(deployment.workspace(), against: victim, targets)
      let routes = Routes().console
      #expect(routes.contains { $0.method == .post } && routes.contains { $0.method == .get })
      // First the ids alone: one of the fields below may be taken for the id of something of the attacker's own.
      for route in routes {
        try await attacker.tryWithoutSession(route)
        try await attacker.tryIDs(route)
        #expect(try await targets.areUntouched(), "after \(route.name)")
      }
      for route in routes {
        guard let attempts = ConsoleAttacks.all[route.name] else {
          Issue.record("\(route.name) is a new route of the console: say in ConsoleAttacks what another workspace could try there")
          continue
        }
        for attempt in attempts(targets) { try await attacker.tryOut(route, attempt) }
        #expect(try await targets.areUntouched(), "after \(route.name)")
      }
      #expect(Set(ConsoleAttacks.all.keys).subtracting(routes.map(\.name)) == [], "there are no such routes any more")
    }
  }
}
