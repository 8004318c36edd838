import Foundation
import Synchronization
import TestSupport
import Testing

extension EndToEnd {
  @Suite("Restarts")
  struct Restarts {
    @Test(
      "While users are created at 20 a second, every other process is stopped and killed in turn; no request fails and nobody is left out")
    func services() async throws {
      let deployment = try await Deployment.shared()
      let workspace = try await deployment.workspace()
      let load = Load(workspace: workspace, prefix: "restart")
      try await load.during {
        try await eventually("a stretch of load") { await load.acknowledged.count >= 20 }
        for service in ["identity-store", "invitation-mailer", "group-sync"] {
          for signal in [SIGTERM, SIGKILL] {
            try await deployment.restart(service, by: signal)
            // A stretch of load on the restarted process before the next goes down.
            let acknowledged = await load.acknowledged.count
            try await eventually("10 more users after \(service) came back") { await load.acknowledged.count >= acknowledged + 10 }
          }
        }
      }
      let failures = await load.failures
      #expect(failures.isEmpty, "\(failures.count), the first: \(failures.prefix(3))")
      try await load.expectAllStoredAndInvited(in: deployment)
    }

    @Test("The edge is restarted by a second process on its port, while users are created over old and new connections: no request fails")
    func edge() async throws {
      let deployment = try await Deployment.shared()
      let load = Load(workspace: try await deployment.workspace(), prefix: "edge")
      try await load.during {
        for _ in 0..<2 {
          let acknowledged = await load.acknowledged.count
          try await eventually("a stretch of load") { await load.acknowledged.count >= acknowledged + 20 }
          try await deployment.replaceEdge()
        }
      }
      let failures = await load.failures
      #expect(failures.isEmpty, "\(failures.count), the first: \(failures.prefix(3))")
      try await load.expectAllStoredAndInvited(in: deployment)
    }

    @Test("PostgreSQL away for seconds: reads and writes recover by themselves and nothing acknowledged is lost")
    func postgres() async throws {
      let deployment = try await Deployment.shared()
      let load = Load(workspace: try await deployment.workspace(), prefix: "postgres")
      try await load.during {
        try await eventually("a stretch of load") { await load.acknowledged.count >= 60 }
        try await deployment.interruptPostgres(for: .seconds(5))
        let acknowledged = await load.acknowledged.count
        try await eventually("10 more users after PostgreSQL came back") { await load.acknowledged.count >= acknowledged + 10 }
      }
      try await load.expectAllStoredAndInvited(in: deployment)
    }

    @Test("The broker away for seconds: writes recover by themselves and nothing acknowledged is lost")
    func broker() async throws {
      let deployment = try await Deployment.shared()
      let load = Load(workspace: try await deployment.workspace(), prefix: "broker")
      try await load.during {
        try await eventually("a stretch of load") { await load.acknowledged.count >= 60 }
        try await deployment.interruptBroker(for: .seconds(5))
        let acknowledged = await load.acknowledged.count
        try await eventually("10 more users after the broker came back") { await load.acknowledged.count >= acknowledged + 10 }
      }
      try await load.expectAllStoredAndInvited(in: deployment)
    }
  }
}

/// An identity provider that creates 20 users a second, without retries, and keeps the books.
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

  /// Keeps creating users while `body` runs, then waits for the answers that are on their way.
  func during(_ body: @Sendable () async throws -> Void) async throws {
    try await withThrowingDiscardingTaskGroup { group in
      let ticking = StopFlag()
      group.addTask {
        await withDiscardingTaskGroup { requests in
          var number = 0
          while await ticking.isOpen {
            number += 1
            let email = "\(self.prefix)-\(number)@example.com"
            requests.addTask { await self.create(email) }
            do { try await Task.sleep(for: .milliseconds(50)) } catch { return }
          }
        }
      }
      do {
        try await body()
        await ticking.close()
      } catch {
        await ticking.close()
        throw error
      }
    }
  }

  func expectAllStoredAndInvited(in deployment: Deployment) async throws {
    let everybody = Set(acknowledged)
    #expect(!everybody.isEmpty)
    print("\(prefix): \(acknowledged.count) users acknowledged, the slowest after \(slowest); \(failures.count) requests refused")
    let stored = Set(
      try await workspace.scimctl(["user", "list", "--limit", "100000"]).split(whereSeparator: \.isWhitespace).map(String.init))
    #expect(everybody.subtracting(stored).isEmpty)
    let waiting = Mutex(everybody)
    do {
      try await eventually("an invitation for each of \(everybody.count)", within: .seconds(60)) {
        let invited = Set(try await deployment.mail.mails().compactMap(\.recipient))
        return waiting.withLock { waiting in
          waiting.subtract(invited)
          return waiting.isEmpty
        }
      }
    } catch {
      print("\(prefix): no invitation for \(waiting.withLock { $0.sorted() })")
      for service in ["invitation-mailer", "identity-store"] { print("\(service) says:", await deployment.logTail(of: service)) }
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

/// Says whether to go on.
private actor StopFlag {
  private(set) var isOpen = true
  func close() { isOpen = false }
}
