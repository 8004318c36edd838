import Foundation
import Synchronization
import TestSupport
import Testing

extension EndToEnd {
  @Suite("Expensive requests of one workspace")
  struct TenantLoad {
    /// The most expensive request of one kind that the limits allow.
    struct Load: Sendable, CustomTestStringConvertible {
      var testDescription: String
      /// The number of concurrent senders.
      var senders = defaultSenders
      /// Whether it creates thousands of users. Their invitations and events would delay the tests that follow, so it has a deployment of its own.
      var createsUsers = false
      /// Creates the resources that the request needs, and returns the request.
      var prepare: @Sendable (IdentityProvider) async throws -> Request
    }

    /// A request that is sent repeatedly.
    struct Request: Sendable {
      var method: String
      var path: String
      var body: String?
      /// The expected statuses, in addition to 429 and 503. On a slow machine, the sender's own requests may exceed their deadline.
      var statuses: Set<Int>
    }

    /// The size of the large group. A debug build takes about ten times as long for each member.
    #if DEBUG
      private static let groupSize = 10_000
    #else
      private static let groupSize = 100_000
    #endif

    /// The number of concurrent senders. A debug build needs seconds for each request, and a batch has a time limit.
    #if DEBUG
      private static let defaultSenders = 2
    #else
      private static let defaultSenders = 4
    #endif

    /// The number of writes of the other workspace.
    #if DEBUG
      private static let rounds = 5
    #else
      private static let rounds = 10
    #endif

    static let loads = [
      Load(testDescription: "a PATCH of a thousand filtered operations on a thousand values") { idp in
        let id = try await idp.create("patched@example.com", emails: 1000)
        let operations = (0..<1000).map {
          #"{"op":"replace","path":"emails[value eq \"u\#($0)@example.com\"].display","value":"x\#($0)"}"#
        }
        return Request(method: "PATCH", path: "/Users/\(id)", body: patch(operations), statuses: [400])
      },
      Load(testDescription: "a PATCH of as many operations as the budget allows") { idp in
        let id = try await idp.create("allowed@example.com", emails: 500)
        let operations = (0..<200).map {
          #"{"op":"replace","path":"emails[value eq \"u\#($0)@example.com\"].display","value":"x\#($0)"}"#
        }
        return Request(method: "PATCH", path: "/Users/\(id)", body: patch(operations), statuses: [200, 400])
      },
      Load(testDescription: "a PUT of a thousand addresses and half a megabyte") { idp in
        let id = try await idp.create("put@example.com", emails: 1)
        return Request(
          method: "PUT", path: "/Users/\(id)", body: user("put@example.com", emails: 1000, display: 350), statuses: [200, 400])
      },
      Load(testDescription: "a bulk request of a thousand operations", senders: 1, createsUsers: true) { idp in
        let operations = (0..<1000).map {
          #"{"method":"POST","path":"/Users","bulkId":"b\#($0)","data":\#(IdentityProvider.oktaUser("bulk\($0)@example.com"))}"#
        }
        return Request(
          method: "POST", path: "/Bulk",
          body: #"{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"Operations":[\#(operations.joined(separator: ","))]}"#,
          statuses: [200])
      },
      Load(testDescription: "a PUT of a large group with members who do not exist", senders: 1) { idp in
        let members = (0..<groupSize).map { _ in #"{"value":"\#(UUID().uuidString.lowercased())"}"# }.joined(separator: ",")
        let group = #"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Everybody"}"#
        let answer = try await idp.send("POST", "/Groups", body: group)
        let id = try #require(answer.json["id"] as? String)
        let body = group.dropLast() + #","members":[\#(members)]}"#
        return Request(method: "PUT", path: "/Groups/\(id)", body: String(body), statuses: [400])
      },
      Load(testDescription: "a query with a filter of 4 kB") { idp in
        var filter = "title co \"a\""
        while filter.utf8.count < 3900 { filter += " or title co \"b\(filter.utf8.count)\"" }
        let text = filter.replacing("\"", with: "\\\"")
        let body = #"{"schemas":["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],"filter":"\#(text)"}"#
        return Request(method: "POST", path: "/Users/.search", body: body, statuses: [200])
      },
    ]

    @Test("Expensive requests of one workspace never prevent another workspace's writes", arguments: loads)
    func otherWorkspace(_ load: Load) async throws {
      let deployment = load.createsUsers ? try await Deployment.start() : try await Deployment.shared()
      let busy = try await deployment.workspace().identityProvider
      let other = try await deployment.workspace().identityProvider
      let request = try await load.prepare(busy)
      let progress = LoadState()
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<load.senders {
          group.addTask {
            while !progress.isStopped.withLock({ $0 }) {
              let answer = try await busy.send(request.method, request.path, body: request.body)
              #expect(request.statuses.union([429, 503]).contains(answer.status), "\(answer.status): \(answer.text.prefix(500))")
              if request.statuses.contains(answer.status) { progress.completedRequests.withLock { $0 += 1 } }
            }
          }
        }
        // A write that is delayed by more than a batch is rejected at its deadline.
        for round in 0..<Self.rounds {
          let answer = try await other.send("POST", "/Users", body: IdentityProvider.oktaUser("round\(round)@example.com"))
          #expect(answer.status == 201, "round \(round): \(answer.text)")
        }
        progress.isStopped.withLock { $0 = true }
        try await group.waitForAll()
      }
      #expect(progress.completedRequests.withLock { $0 } > 0)
      if load.createsUsers { await deployment.stopAll() }
    }

    /// The progress of the senders, and whether they should stop.
    private final class LoadState: Sendable {
      let completedRequests = Mutex(0)
      let isStopped = Mutex(false)
    }

    static func patch(_ operations: [String]) -> String {
      #"{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[\#(operations.joined(separator: ","))]}"#
    }

    static func user(_ name: String, emails: Int, display: Int = 0) -> String {
      let display = display == 0 ? "" : #","display":"\#(String(repeating: "d", count: display))""#
      let values = (0..<emails).map { #"{"value":"u\#($0)@example.com"\#(display)}"# }.joined(separator: ",")
      return #"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"\#(name)","emails":[\#(values)]}"#
    }
  }
}

extension IdentityProvider {
  /// Creates a user with a number of addresses and returns the id.
  fileprivate func create(_ name: String, emails: Int) async throws -> String {
    let answer = try await send("POST", "/Users", body: EndToEnd.TenantLoad.user(name, emails: emails))
    return try #require(answer.json["id"] as? String, "\(answer.text)")
  }
}
