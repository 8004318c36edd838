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
      "No route gives a workspace access to another workspace's data, whatever ids, tags, cursors, filters, references or tokens it sends")
    func routes() async throws {
      let deployment = try await Deployment.shared()
      let victim = try await Victim(deployment.workspace())
      let attacker = try await Attacker(deployment.workspace(), against: victim)
      let routes = Routes()
      let endpoints = routes.endpoints
      #expect(!endpoints.isEmpty)
      for endpoint in endpoints {
        guard let attack = Attacks.every[endpoint.name] else {
          Issue.record("\(endpoint.name) is a new route: add the attempts of another workspace to Attacks")
          continue
        }
        let path = endpoint.pattern.replacing("{workspace}", with: victim.workspace.slug).replacing(/\{[^}]*\}/, with: victim.user)
        let body = ["GET", "DELETE"].contains(endpoint.method) ? nil : "{}"
        for token in [try attacker.forgedToken, "", "nonsense", AccessToken.made(for: .made(at: Date())).text] {
          let answer = try await attacker.send(endpoint.method, path, body, token: token)
          #expect(answer.status == 401, "\(endpoint.name): \(answer.text)")
        }
        try await attack(attacker)
        #expect(try await victim.isUntouched(), "after \(endpoint.name)")
      }
      #expect(Set(Attacks.every.keys).subtracting(endpoints.map(\.name)) == [], "these routes no longer exist")
      // The console's style sheet and script contain no data.
      let open = routes.open.filter { !$0.pattern.hasPrefix("/console/assets/") }
      #expect(Set(open.map(\.name)) == Set(Attacks.open.keys))
      for attack in Attacks.open.values { try await attack(attacker) }
      #expect(try await victim.isUntouched(), "after the routes that need no token")
    }

    @Test("No page or form of the console gives a workspace access to another workspace's data, whatever ids and fields it sends")
    func console() async throws {
      let deployment = try await Deployment.shared()
      let victim = try await Victim(deployment.workspace())
      let targets = try await ConsoleTargets(victim)
      let attacker = try await ConsoleAttacker(deployment.workspace(), against: victim, targets)
      let routes = Routes().console
      #expect(routes.contains { $0.method == "POST" } && routes.contains { $0.method == "GET" })
      // First without fields, because a field may be interpreted as an id of the attacker's own data.
      for route in routes {
        try await attacker.tryWithoutSession(route)
        try await attacker.tryIDs(route)
        #expect(try await targets.areUntouched(), "after \(route.name)")
      }
      for route in routes {
        guard let attempts = ConsoleAttacks.all[route.name] else {
          Issue.record("\(route.name) is a new route of the console: add the attempts of another workspace to ConsoleAttacks")
          continue
        }
        for attempt in attempts(targets) { try await attacker.attempt(route, attempt) }
        #expect(try await targets.areUntouched(), "after \(route.name)")
      }
      #expect(Set(ConsoleAttacks.all.keys).subtracting(routes.map(\.name)) == [], "these routes no longer exist")
    }
  }
}
