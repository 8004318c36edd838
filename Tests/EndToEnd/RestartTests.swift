import Foundation
import Synchronization
import TestSupport
import Testing

extension EndToEnd {
  @Suite("Restarts")
  struct Restarts {
    @Test(
      "Stopping and killing each service except scim-api while 20 users per second are created fails no request and loses no invitation")
    func services() async throws {
      let deployment = try await Deployment.shared()
      let workspace = try await deployment.workspace()
      let load = Load(workspace: workspace, prefix: "restart")
      try await load.during {
        try await eventually("some load") { await load.acknowledged.count >= 20 }
        for service in ["identity-store", "invitation-mailer", "group-sync"] {
          for signal in [SIGTERM, SIGKILL] {
            try await deployment.restart(service, by: signal)
            // Some load on the restarted process before the next one stops.
            let acknowledged = await load.acknowledged.count
            try await eventually("10 more users after \(service) came back") { await load.acknowledged.count >= acknowledged + 10 }
          }
        }
      }
      let failures = await load.failures
      #expect(failures.isEmpty, "\(failures.count), the first: \(failures.prefix(3))")
      try await load.expectAllStoredAndInvited(in: deployment)
    }

    @Test("Replacing scim-api by a second process on its port while users are created fails no request")
    func edge() async throws {
      let deployment = try await Deployment.shared()
      let load = Load(workspace: try await deployment.workspace(), prefix: "edge")
      try await load.during {
        for _ in 0..<2 {
          let acknowledged = await load.acknowledged.count
          try await eventually("some load") { await load.acknowledged.count >= acknowledged + 20 }
          try await deployment.replaceEdge()
        }
      }
      let failures = await load.failures
      #expect(failures.isEmpty, "\(failures.count), the first: \(failures.prefix(3))")
      try await load.expectAllStoredAndInvited(in: deployment)
    }

    @Test("Reads and writes recover from an outage of PostgreSQL, and no acknowledged write is lost")
    func postgres() async throws {
      let deployment = try await Deployment.shared()
      let load = Load(workspace: try await deployment.workspace(), prefix: "postgres")
      try await load.during {
        try await eventually("some load") { await load.acknowledged.count >= 60 }
        try await deployment.interruptPostgres(for: .seconds(5))
        let acknowledged = await load.acknowledged.count
        try await eventually("10 more users after PostgreSQL came back") { await load.acknowledged.count >= acknowledged + 10 }
      }
      try await load.expectAllStoredAndInvited(in: deployment)
    }

    @Test("Writes recover from an outage of the Kafka broker, and no acknowledged write is lost")
    func broker() async throws {
      let deployment = try await Deployment.shared()
      let load = Load(workspace: try await deployment.workspace(), prefix: "broker")
      try await load.during {
        try await eventually("some load") { await load.acknowledged.count >= 60 }
        try await deployment.interruptBroker(for: .seconds(5))
        let acknowledged = await load.acknowledged.count
        try await eventually("10 more users after the broker came back") { await load.acknowledged.count >= acknowledged + 10 }
      }
      try await load.expectAllStoredAndInvited(in: deployment)
    }
  }
}

/// An identity provider that creates 20 users per second without retries, and records the results.
actor Load {
  private(set) var acknowledged: [String] = []
  private(set) var failures: [String] = []
  private var slowest = Duration.zero
  private let workspace: Workspace
  private let prefix: String

  init(workspace: Workspace, prefix: String) {
    self.workspace = workspace
    self.prefix = prefix
  }

  /// Creates users while `body` runs, then waits for outstanding responses.
  func during(_ body: @Sendable () async throws -> Void) async throws {
    try await withThrowingDiscardingTaskGroup { group in
      let flag = StopFlag()
      group.addTask {
        await withDiscardingTaskGroup { requests in
          var number = 0
          while await !flag.isStopped {
            number += 1
            let email = "\(self.prefix)-\(number)@example.com"
            requests.addTask { await self.create(email) }
            do { try await Task.sleep(for: .milliseconds(50)) } catch { return }
          }
        }
      }
      do {
        try await body()
        await flag.stop()
      } catch {
        await flag.stop()
        throw error
      }
    }
  }

  /// Expects that every acknowledged user is stored, and waits until each has an invitation.
  func expectAllStoredAndInvited(in deployment: Deployment) async throws {
    let expected = Set(acknowledged)
    #expect(!expected.isEmpty)
    print("\(prefix): \(acknowledged.count) users acknowledged, the slowest after \(slowest); \(failures.count) requests failed")
    let stored = Set(
      try await workspace.scimctl(["user", "list", "--limit", "100000"]).split(whereSeparator: \.isWhitespace).map(String.init))
    #expect(expected.subtracting(stored).isEmpty)
    let waiting = Mutex(expected)
    do {
      try await eventually("an invitation for each of \(expected.count)", within: .seconds(60)) {
        let invited = Set(try await deployment.mail.mails().compactMap(\.recipient))
        return waiting.withLock { waiting in
          waiting.subtract(invited)
          return waiting.isEmpty
        }
      }
    } catch {
      print("\(prefix): no invitation for \(waiting.withLock { $0.sorted() })")
      for service in ["invitation-mailer", "identity-store"] { print("log of \(service):", await deployment.logTail(of: service)) }
      throw error
    }
  }

  private func create(_ email: String) async {
    let begin = ContinuousClock.now
    defer { slowest = max(slowest, ContinuousClock.now - begin) }
    do {
      let answer = try await workspace.identityProvider.send("POST", "/Users", body: IdentityProvider.oktaUser(email))
      if answer.status == 201 { acknowledged.append(email) } else { failures.append("\(email): \(answer.status) \(answer.text)") }
    } catch {
      failures.append("\(email): \(error)")
    }
  }
}

/// Tells a task to stop.
private actor StopFlag {
  private(set) var isStopped = false
  func stop() { isStopped = true }
}
