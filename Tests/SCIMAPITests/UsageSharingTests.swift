import Foundation
import Models
import Synchronization
import Testing

@testable import EdgeHTTP

@Suite("Limits of several edges", .timeLimit(.minutes(10)))
struct UsageSharingTests {
  private static let rate = Rate(perSecond: 50, burst: 50)
  /// Requests per second, by edge.
  private static let demands: [[Double]] = [
    [100, 100], [100, 5], [5, 100, 100, 100], Array(repeating: 60, count: 10), [37, 7, 5, 3], [200],
  ]

  @Test(
    "A rate holds within 20 % for all edges together, however requests are distributed, and none is starved",
    arguments: demands)
  func rate(demand: [Double]) throws {
    var edges = Edges(demand, Self.rate)
    let seconds = 20.0
    try edges.run(for: seconds)
    let wanted = min(demand.reduce(0, +), Self.rate.perSecond)
    #expect(Double(edges.accepted) <= 1.2 * wanted * seconds + Double(Self.rate.burst))
    #expect(Double(edges.accepted) >= 0.8 * wanted * seconds)
    // The second half alone: there is no burst left.
    let before = edges.accepted
    let each = edges.all.map(\.accepted)
    try edges.run(for: seconds)
    let rate = Double(edges.accepted - before) / seconds
    #expect((0.8 * wanted...1.2 * wanted).contains(rate), "\(rate) per second")
    for (edge, accepted) in zip(edges.all, each) {
      let share = min(edge.demand, Self.rate.perSecond / Double(2 * demand.count))
      #expect(Double(edge.accepted - accepted) >= 0.7 * share * seconds, "\(edge.accepted - accepted) of \(edge.demand) per second")
    }
  }

  @Test("Bursts that several edges accept at the same time are paid back")
  func bursts() throws {
    var edges = Edges([0, 0, 0], Self.rate)
    try edges.run(for: 2)
    for index in edges.all.indices { edges.all[index].demand = 1000 }
    try edges.run(for: 0.2)
    // No edge knows yet what the others have accepted.
    #expect(edges.accepted >= 3 * Self.rate.burst)
    let seconds = 30.0
    try edges.run(for: seconds)
    #expect(Double(edges.accepted) <= 1.2 * Self.rate.perSecond * seconds + Double(Self.rate.burst))
  }

  @Test("Idle edges send nothing, and neither does one that is alone")
  func silence() throws {
    var idle = Edges([0, 0, 0], Self.rate)
    try idle.run(for: 2)
    #expect(idle.all.allSatisfy { $0.exchange.edges == 3 })
    let sent = idle.sent
    #expect(sent <= 9)
    try idle.run(for: 60)
    #expect(idle.sent == sent)
    var alone = Edges([100], Self.rate)
    try alone.run(for: 20)
    #expect(alone.sent == 1)
  }

  @Test("An edge that has died is forgotten within seconds, one that is idle is not, and one that ends says so")
  func membership() throws {
    var edges = Edges([100, 30, 0], Self.rate)
    try edges.run(for: 5)
    edges.all[1].isAlive = false
    try edges.run(for: 15)
    #expect(edges.all[0].exchange.edges == 2 && edges.all[2].exchange.edges <= 3)
    let before = edges.accepted
    try edges.run(for: 10)
    #expect((400...600).contains(edges.accepted - before))
    edges.leave(2)
    try edges.run(for: 1)
    #expect(edges.all[0].exchange.edges == 1)
    let sent = edges.sent
    try edges.run(for: 10)
    #expect(edges.sent == sent)
  }

  @Test("An edge that has just answered is not forgotten because of a pause after the requests of another one")
  func pauses() throws {
    var edges = Edges([4, 0], Self.rate)
    for _ in 0..<3 {
      edges.all[0].demand = 4
      try edges.run(for: 2)
      #expect(edges.all.allSatisfy { $0.exchange.edges == 2 })
      edges.all[0].demand = 0
      try edges.run(for: 15)
    }
  }

  @Test("While messages do not arrive, each edge limits by itself; afterwards the rate holds for all together again")
  func outage() throws {
    var edges = Edges([100, 100], Self.rate)
    try edges.run(for: 5)
    edges.isKafkaAvailable = false
    try edges.run(for: 10)
    #expect(edges.all.allSatisfy { $0.exchange.isInterrupted && $0.exchange.edges == 1 })
    var before = edges.accepted
    try edges.run(for: 10)
    #expect((800...1200).contains(edges.accepted - before))
    edges.isKafkaAvailable = true
    try edges.run(for: 10)
    #expect(edges.all.allSatisfy { !$0.exchange.isInterrupted && $0.exchange.edges == 2 })
    before = edges.accepted
    try edges.run(for: 10)
    #expect((400...600).contains(edges.accepted - before))
  }

  @Test("Messages of the process before its restart are ignored, and so are repeated ones; those of its successor are not")
  func restarts() {
    let ids = (0..<3).map { EdgeID.made(at: Date(timeIntervalSince1970: 1000 + Double($0))) }
    var exchange = UsageExchange(edge: ids[1], process: "web-1 scim-api/0")
    var usage = EdgeUsage(edge: ids[0], process: "web-1 scim-api/0", sequence: 1)
    usage.counts.workspaces = [.made(at: Date()): 1]
    let former = exchange.receive(usage, at: 0)
    #expect(!former && exchange.edges == 1 && !exchange.isUnsettled)
    // In Kubernetes, all processes have the same name and different hosts.
    usage.process = "web-2 scim-api/0"
    let other = exchange.receive(usage, at: 0)
    #expect(other && exchange.edges == 2 && exchange.isUnsettled)
    let repeated = exchange.receive(usage, at: 1)
    usage.sequence = 2
    let next = exchange.receive(usage, at: 1)
    #expect(!repeated && next)
    usage.edge = ids[2]
    usage.process = "web-1 scim-api/0"
    let successor = exchange.receive(usage, at: 0)
    #expect(successor && exchange.edges == 3)
  }

  @Test("A message that took too long is not trusted: the edge limits by itself until one arrives in time")
  func delay() throws {
    var exchange = UsageExchange(edge: .made(at: Date()), process: "a")
    var other = EdgeUsage(edge: .made(at: Date()), process: "b", sequence: 1)
    other.counts.workspaces = [.made(at: Date()): 1]
    exchange.announce()
    let announcement = exchange.nextMessage(at: 0) { EdgeUsage.Counts() }
    let first = try #require(announcement)
    exchange.didSend(first.sequence)
    let inTime = exchange.receive(first, at: 1)
    let known = exchange.receive(other, at: 1)
    #expect(!inTime && known && exchange.edges == 2)
    let second = exchange.nextMessage(at: 2) { other.counts }
    let late = try #require(second)
    exchange.didSend(late.sequence)
    let early = exchange.nextMessage(at: 3) { other.counts }
    #expect(early == nil)
    _ = exchange.receive(late, at: 10)
    #expect(exchange.isInterrupted && exchange.edges == 1)
    other.sequence = 2
    let isTrusted = exchange.receive(other, at: 10)
    #expect(!isTrusted)
    let third = exchange.nextMessage(at: 10) { other.counts }
    let again = try #require(third)
    #expect(again.counts.isEmpty)
    _ = exchange.receive(again, at: 11)
    #expect(!exchange.isInterrupted && exchange.edges == 2)
  }

  @Test("Usage that arrives too late or is too large blocks an owner for seconds only, and a reserved share not at all")
  func debt() {
    var buckets = Buckets<Int>(Rate(perSecond: 10, burst: 20), maximum: 100)
    buckets.subtract(1_000_000, of: 1, at: 0)
    #expect((9...11).contains(buckets.wait(of: 1, at: 0)))
    #expect(buckets.wait(of: 2, at: 0) == 0)
    buckets.share(among: 5)
    #expect(buckets.wait(of: 1, at: 0) == 0)
    buckets.take(of: 1, at: 0)
    // Half of an equal share is one request per second.
    #expect(abs(buckets.wait(of: 1, at: 0) - 1) < 1e-6)
    for owner in 3..<1000 { buckets.subtract(1, of: owner, at: 0) }
    #expect(buckets.count <= 100)
  }

  @Test("Requests are reported by token and workspace, and those about the whole deployment by token")
  func reports() throws {
    let limits = RateLimits(now: { 0 })
    let signals = Mutex(0)
    let (token, product, workspace) = (TokenID.made(at: Date()), TokenID.made(at: Date()), WorkspaceID.made(at: Date()))
    try limits.count(token, of: workspace)
    limits.share(among: 2) { signals.withLock { $0 += 1 } }
    for _ in 0..<3 { try limits.count(token, of: workspace) }
    try limits.count(product, of: workspace, isDeploymentWide: true)
    try limits.count(product, of: .deployment, isDeploymentWide: true)
    try limits.countOpening(of: "ana@example.com", in: workspace)
    let first = signals.withLock { $0 }
    #expect(first == 1)
    let usage = limits.takeUsage()
    #expect(usage.tokens == [token: 3] && usage.deploymentTokens == [product: 2] && usage.workspaces == [workspace: 5])
    #expect(limits.takeUsage().isEmpty)
    try limits.count(token, of: workspace)
    let second = signals.withLock { $0 }
    #expect(second == 2)
    limits.share(among: 1) {}
    #expect(limits.takeUsage().isEmpty)
  }
}

/// Edges with a virtual clock and a steady demand for one workspace, whose messages take 50 ms.
private struct Edges {
  struct Edge {
    let id: EdgeID
    let limits: RateLimits
    let token = TokenID.made(at: Date())
    var exchange: UsageExchange
    /// Requests per second.
    var demand: Double
    var accepted = 0
    var isAlive = true
    fileprivate var due = 0.0
    fileprivate var nextTick: Double
    fileprivate var sharedAmong = 1

    fileprivate mutating func share() {
      guard exchange.edges != sharedAmong else { return }
      sharedAmong = exchange.edges
      limits.share(among: sharedAmong) {}
    }
  }

  private final class VirtualClock: Sendable {
    let time = Mutex(0.0)
  }

  var all: [Edge]
  /// The number of messages that were sent.
  private(set) var sent = 0
  /// While it is unavailable, messages wait.
  var isKafkaAvailable = true
  private let clock = VirtualClock()
  private let workspace = WorkspaceID.made(at: Date())
  private var messages: [(event: CloudEvent, due: Double)] = []

  private static let step = 0.01
  private static let interval = 0.25
  private static let delay = 0.05

  init(_ demand: [Double], _ rate: Rate) {
    let (clock, edges) = (self.clock, Double(demand.count))
    let rates = RateLimits.Rates(token: .unlimited, workspace: rate)
    all = demand.enumerated().map { index, demand in
      // The clocks of the hosts differ.
      let id = EdgeID.made(at: Date(timeIntervalSince1970: 1e6 * Double(index % 3)))
      var exchange = UsageExchange(edge: id, process: "web-\(index)")
      exchange.announce()
      return Edge(
        id: id, limits: RateLimits(rates, now: { clock.time.withLock { $0 } }), exchange: exchange, demand: demand,
        nextTick: Self.interval * Double(index + 1) / edges)
    }
  }

  /// The number of accepted requests.
  var accepted: Int { all.reduce(0) { $0 + $1.accepted } }

  mutating func run(for seconds: Double) throws {
    for _ in 0..<Int((seconds / Self.step).rounded()) {
      let now = clock.time.withLock { time in
        time += Self.step
        return time
      }
      if isKafkaAvailable { try deliver(at: now) }
      for index in all.indices where all[index].isAlive {
        sendRequests(of: index)
        guard now >= all[index].nextTick else { continue }
        all[index].nextTick = now + Self.interval
        let limits = all[index].limits
        let message = all[index].exchange.nextMessage(at: now) { limits.takeUsage() }
        all[index].share()
        if let message { try send(message, at: now) }
      }
    }
  }

  /// Ends an edge gracefully.
  mutating func leave(_ index: Int) {
    let (limits, now) = (all[index].limits, clock.time.withLock { $0 })
    all[index].isAlive = false
    guard let last = all[index].exchange.lastMessage(at: now, usage: { limits.takeUsage() }) else { return }
    do { try send(last, at: now) } catch { Issue.record(error) }
  }

  private mutating func send(_ usage: EdgeUsage, at now: Double) throws {
    sent += 1
    messages.append((event: try usage.cloudEvent(source: usage.process, time: Date(timeIntervalSince1970: 0)), due: now + Self.delay))
  }

  private mutating func deliver(at now: Double) throws {
    let due = messages.prefix { $0.due <= now }
    messages.removeFirst(due.count)
    for message in due {
      let usage = try EdgeUsage(message.event)
      for index in all.indices where all[index].isAlive {
        if usage.edge == all[index].id { all[index].exchange.didSend(usage.sequence) }
        if all[index].exchange.receive(usage, at: now) { all[index].limits.subtract(usage.counts) }
        all[index].share()
      }
    }
  }

  private mutating func sendRequests(of index: Int) {
    all[index].due += all[index].demand * Self.step
    while all[index].due >= 1 {
      all[index].due -= 1
      do {
        try all[index].limits.count(all[index].token, of: workspace)
        all[index].accepted += 1
      } catch {
        // The request got 429.
      }
    }
  }
}
