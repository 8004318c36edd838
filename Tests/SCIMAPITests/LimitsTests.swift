import Credentials
import Foundation
import Models
import NIOCore
import SCIM
import Synchronization
import TestSupport
import Testing

@testable import AdminConsole
@testable import EdgeHTTP
@testable import EdgeReads
@testable import ProductAPI
@testable import SCIMControllers
@testable import ScimAPI

@Suite("Limits", .timeLimit(.minutes(10)))
struct LimitsTests {
  // MARK: - Buckets

  @Test(
    "A bucket allows its burst immediately and then its rate, and returns the exact wait",
    arguments: [Rate(perSecond: 100, burst: 500), Rate(perSecond: 0.5, burst: 1), Rate(perSecond: 3, burst: 7)])
  func bucket(rate: Rate) {
    var now = 1000.0
    var bucket = TokenBucket(at: now)
    var taken = 0
    while bucket.wait(of: rate, at: now) == 0 {
      bucket.take(of: rate, at: now)
      taken += 1
    }
    #expect(taken == rate.burst)
    for _ in 0..<20 {
      let wait = bucket.wait(of: rate, at: now)
      #expect(wait > 0 && wait <= 1 / rate.perSecond + 1e-6)
      #expect(bucket.wait(of: rate, at: now + wait * 0.9) > 0)
      now += wait + 1e-6
      #expect(bucket.wait(of: rate, at: now) == 0)
      bucket.take(of: rate, at: now)
    }
    // After a long pause the whole burst is available again, and no more.
    now += 1e6
    taken = 0
    while bucket.wait(of: rate, at: now) == 0 {
      bucket.take(of: rate, at: now)
      taken += 1
    }
    #expect(taken == rate.burst)
  }

  @Test("No interval has more requests than the burst plus the rate, whatever the arrival times")
  func conformance() {
    var generator = SeededGenerator(seed: 7)
    let rate = Rate(perSecond: 20, burst: 10)
    for _ in 0..<10 {
      var bucket = TokenBucket(at: 0)
      var now = 0.0
      var taken: [Double] = []
      for _ in 0..<200 {
        now += Double.random(in: 0...0.1, using: &generator)
        guard bucket.wait(of: rate, at: now) == 0 else { continue }
        bucket.take(of: rate, at: now)
        taken.append(now)
      }
      var excess = 0.0
      for start in taken.indices {
        for end in start..<taken.count {
          let allowed: Double = 10 + (taken[end] - taken[start]) * 20
          excess = max(excess, Double(end - start + 1) - allowed)
        }
      }
      #expect(taken.count > 100)
      #expect(excess < 1e-4)
    }
  }

  @Test("Buckets use bounded memory, and the busiest owner is not evicted first")
  func bounded() {
    var buckets = Buckets<Int>(Rate(perSecond: 1, burst: 10), maximum: 100)
    for _ in 0..<10 { buckets.take(of: -1, at: 0) }
    for owner in 0..<10_000 { buckets.take(of: owner, at: 0) }
    #expect(buckets.count <= 100)
    #expect(buckets.wait(of: -1, at: 0) > 0)
    // A full bucket is removed.
    for owner in 0..<200 { buckets.take(of: owner, at: 1000) }
    #expect(buckets.wait(of: -1, at: 1000) == 0)
    var unlimited = Buckets<Int>(.unlimited, maximum: 100)
    for _ in 0..<1000 { unlimited.take(of: 1, at: 0) }
    #expect(unlimited.wait(of: 1, at: 0) == 0)
  }

  @Test(
    "Unauthenticated clients are distinguished by address, with IPv6 by /64 network",
    arguments: [
      (ClientAddress("10.0.0.1"), ClientAddress("10.0.0.1"), true),
      (ClientAddress("10.0.0.1"), ClientAddress("10.0.0.2"), false),
      (ClientAddress("2001:db8:1:2::3"), ClientAddress("2001:db8:1:2:ffff::4"), true),
      (ClientAddress("2001:db8:1:2::3"), ClientAddress("2001:db8:1:3::3"), false),
    ])
  func addresses(one: ClientAddress, other: ClientAddress, isSame: Bool) {
    #expect((one == other) == isSame)
  }

  // MARK: - Rates

  @Test("Tokens and workspaces have separate limits; a rejected request counts against neither")
  func rates() throws {
    let clock = Mutex(0.0)
    let limits = RateLimits(
      RateLimits.Rates(token: Rate(perSecond: 1, burst: 2), workspace: Rate(perSecond: 1, burst: 3)), now: { clock.withLock { $0 } })
    let (workspace, other) = (WorkspaceID.made(at: Date()), WorkspaceID.made(at: Date()))
    let (first, second, third) = (TokenID.made(at: Date()), TokenID.made(at: Date()), TokenID.made(at: Date()))
    for _ in 0..<2 { try limits.count(first, of: workspace) }
    let refusal = Self.refusal(of: limits, first, workspace)
    #expect(refusal?.error.status == 429)
    #expect(refusal?.headers[.retryAfter] == "1")
    #expect(refusal?.error.detail.contains("this token") == true)
    try limits.count(second, of: workspace)
    let shared = Self.refusal(of: limits, second, workspace)
    #expect(shared?.error.detail.contains("this workspace") == true)
    try limits.count(third, of: other)
    clock.withLock { $0 = 1.001 }
    try limits.count(second, of: workspace)
  }

  @Test("A burst of rejections is sent immediately and later ones are delayed, for each workspace separately")
  func delayedRejections() async throws {
    let limits = RateLimits(
      RateLimits.Rates(
        token: Rate(perSecond: 0.001, burst: 1), rejection: Rate(perSecond: 0.001, burst: 2), maximumHold: 3600), now: { 0 })
    let senders = (0..<2).map { _ in (token: TokenID.made(at: Date()), workspace: WorkspaceID.made(at: Date())) }
    for sender in senders { try await limits.admit(sender.token, of: sender.workspace) }
    for _ in 0..<2 {
      let refusal = await #expect(throws: APIError.self) { try await limits.admit(senders[0].token, of: senders[0].workspace) }
      #expect(refusal?.error.status == 429)
    }
    #expect(limits.heldCount == 0)
    let held = Task { try await limits.admit(senders[0].token, of: senders[0].workspace) }
    try await eventually("one rejection to be delayed") { limits.heldCount == 1 }
    await #expect(throws: APIError.self) { try await limits.admit(senders[1].token, of: senders[1].workspace) }
    #expect(limits.heldCount == 1)
    // A cancelled request is not delayed any longer.
    held.cancel()
    let refusal = await #expect(throws: APIError.self) { try await held.value }
    #expect(refusal?.error.status == 429)
    #expect(limits.heldCount == 0)
  }

  @Test("Rejections of unauthenticated clients are delayed as well, up to a maximum number")
  func delayedUnauthenticatedRejections() async throws {
    let limits = RateLimits(
      RateLimits.Rates(
        unauthenticated: Rate(perSecond: 0.001, burst: 1), rejection: Rate(perSecond: 0.001, burst: 1), maximumHold: 3600), now: { 0 })
    let guess: @Sendable () async throws -> Void = {
      try await limits.limitingUnauthenticated(
        from: "10.0.0.1", isKnown: { false }, isAuthenticated: { false }, answer: { throw APIError.unknownToken() })
    }
    for status in [401, 429] {
      let refusal = await #expect(throws: APIError.self) { try await guess() }
      #expect(refusal?.error.status == status)
    }
    let held = Task { try await guess() }
    try await eventually("the rejection to be delayed") { limits.heldCount == 1 }
    held.cancel()
    await #expect(throws: APIError.self) { try await held.value }

    let throttle = RejectionThrottle(Rate(perSecond: 0.001, burst: 1), maximumHold: 3600, maximumHeld: 1)
    let sender = RejectionThrottle.Sender.address(ClientAddress("10.0.0.2"))
    await throttle.hold(sender, at: 0)
    let first = Task { await throttle.hold(sender, at: 0) }
    try await eventually("the rejection to be delayed") { throttle.heldCount == 1 }
    // The maximum is reached, so it is sent immediately.
    await throttle.hold(sender, at: 0)
    first.cancel()
    await first.value
    #expect(throttle.heldCount == 0)
  }

  @Test("Rejections are delayed according to their rate, up to the maximum delay")
  func rejectionDelays() {
    var buckets = Buckets<Int>(Rate(perSecond: 10, burst: 2), maximum: 10)
    let waits = (0..<6).map { _ in buckets.reserve(of: 1, at: 0, within: 0.25) }
    for (wait, due) in zip(waits, [0, 0, 0.1, 0.2, 0.25, 0.25]) { #expect(abs(wait - due) < 1e-6) }
    #expect(buckets.reserve(of: 2, at: 0, within: 0.25) == 0)
    // Rejections with the maximum delay reserve nothing for later.
    #expect(abs(buckets.reserve(of: 1, at: 1, within: 0.25)) < 1e-6)
    var unlimited = Buckets<Int>(.unlimited, maximum: 10)
    #expect((0..<100).allSatisfy { _ in unlimited.reserve(of: 1, at: 0, within: 5) == 0 })
  }

  private static func refusal(of limits: RateLimits, _ token: TokenID, _ workspace: WorkspaceID) -> APIError? {
    do {
      try limits.count(token, of: workspace)
      return nil
    } catch {
      return error
    }
  }

  @Test("The default limits allow the sustained 25 requests per second of identity providers, and their bursts")
  func defaults() throws {
    let clock = Mutex(0.0)
    let limits = RateLimits(now: { clock.withLock { $0 } })
    let (workspace, token) = (WorkspaceID.made(at: Date()), TokenID.made(at: Date()))
    // Okta and Entra send tens of requests concurrently.
    for _ in 0..<400 { try limits.count(token, of: workspace) }
    for second in 1...600 {
      clock.withLock { $0 = Double(second) }
      for _ in 0..<50 { try limits.count(token, of: workspace) }
    }
  }

  @Test("A token over its limit gets 429 before the body is read, with an exact Retry-After")
  func refused() async throws {
    var builder = EdgeBuilder()
    builder.rates.token = Rate(perSecond: 0.001, burst: 2)
    try await serving(builder) { client in
      for _ in 0..<2 { #expect(try await client.send("GET", "/Schemas").status == 200) }
      // The body never arrives, so the response cannot depend on it.
      let text = try await client.exchange(
        """
        POST /api/v2/scim/Users HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer \(client.token)\r
        Content-Type: application/scim+json\r\nContent-Length: 1000000\r\n\r\n{
        """)
      #expect(text.hasPrefix("HTTP/1.1 429 "))
      #expect(text.contains("Retry-After: "))
      #expect(text.contains("urn:ietf:params:scim:api:messages:2.0:Error"))
      let answer = try await client.send("GET", "/Schemas")
      #expect(answer.status == 429)
      // A thousand seconds for one request, minus the elapsed time.
      #expect((900...1000).contains(answer.headers["retry-after"].flatMap { Int($0) } ?? 0))
    }
  }

  @Test("Guessing tokens is rate limited, and a valid token from the same address is not")
  func guessing() async throws {
    var builder = EdgeBuilder()
    builder.rates.unauthenticated = Rate(perSecond: 0.001, burst: 5)
    try await serving(builder) { client in
      #expect(try await client.send("GET", "/Schemas").status == 200)
      for _ in 0..<5 {
        let guess = HTTPClient(port: client.port, token: AccessToken.made(for: .made(at: Date())).text)
        #expect(try await guess.send("GET", "/Schemas").status == 401)
      }
      for token in [AccessToken.made(for: .made(at: Date())).text, "nonsense", ""] {
        let answer = try await HTTPClient(port: client.port, token: token).send("GET", "/Schemas")
        #expect(answer.status == 429)
        #expect((900...1000).contains(answer.headers["retry-after"].flatMap { Int($0) } ?? 0))
        #expect(answer.detail.contains("this address"))
      }
      #expect(try await client.send("GET", "/Schemas").status == 200)
    }
  }

  // MARK: - Shares

  @Test("Writes in flight are limited per token, per workspace and in total")
  func inFlight() throws {
    let inFlight = ConcurrencyLimit(ConcurrencyLimit.Limits(all: 4, perWorkspace: 2, perToken: 1))
    let workspaces = (0..<4).map { _ in WorkspaceID.made(at: Date()) }
    let tokens = (0..<8).map { _ in TokenID.made(at: Date()) }
    try inFlight.enter(tokens[0], of: workspaces[0])
    #expect(Self.refusal(of: inFlight, tokens[0], workspaces[0]) == .tooManyRequests("writes", of: "token", limit: 1))
    try inFlight.enter(tokens[1], of: workspaces[0])
    #expect(Self.refusal(of: inFlight, tokens[2], workspaces[0]) == .tooManyRequests("writes", of: "workspace", limit: 2))
    try inFlight.enter(tokens[3], of: workspaces[1])
    try inFlight.enter(tokens[4], of: workspaces[2])
    #expect(Self.refusal(of: inFlight, tokens[5], workspaces[3]) == .overloaded())
    for (token, workspace) in [(0, 0), (1, 0), (3, 1), (4, 2)] { inFlight.leave(tokens[token], of: workspaces[workspace]) }
    #expect(inFlight.count == 0)
  }

  private static func refusal(of inFlight: ConcurrencyLimit, _ token: TokenID, _ workspace: WorkspaceID) -> APIError? {
    do {
      try inFlight.enter(token, of: workspace)
      return nil
    } catch {
      return error
    }
  }

  @Test("Another workspace can write, however many workspaces flood", arguments: [1, 2, 3, 5, 8])
  func fairShare(flooding: Int) throws {
    let inFlight = ConcurrencyLimit(ConcurrencyLimit.Limits(all: 100, perWorkspace: 100, perToken: 100))
    let floods = (0..<flooding).map { _ in (token: TokenID.made(at: Date()), workspace: WorkspaceID.made(at: Date())) }
    var refused = 0
    for _ in 0..<200 {
      for flood in floods {
        guard let refusal = Self.refusal(of: inFlight, flood.token, flood.workspace) else { continue }
        #expect(refusal.error.status == 429)
        refused += 1
      }
    }
    #expect(refused > 0)
    #expect(inFlight.count >= 75)
    let (token, workspace) = (TokenID.made(at: Date()), WorkspaceID.made(at: Date()))
    for _ in 0..<5 { try inFlight.enter(token, of: workspace) }
  }

  @Test("Searches of a busy workspace wait in order and do not delay another workspace")
  func searches() async throws {
    let limiter = WorkspaceConcurrencyLimiter(maximumPerWorkspace: 1, maximumWaiting: 2, timeout: .seconds(30))
    let (busy, calm) = (WorkspaceID.made(at: Date()), WorkspaceID.made(at: Date()))
    let order = Journal<Int>()
    var held: WorkspaceConcurrencyLimiter.Permit? = try await limiter.permit(for: busy)
    let first = Task {
      _ = try await limiter.permit(for: busy)
      order.record(1)
    }
    try await eventually("one request to wait") { limiter.waitingCount(of: busy) == 1 }
    let second = Task {
      _ = try await limiter.permit(for: busy)
      order.record(2)
    }
    try await eventually("two requests to wait") { limiter.waitingCount(of: busy) == 2 }
    let refusal = await #expect(throws: APIError.self) { try await limiter.permit(for: busy) }
    #expect(refusal?.error.status == 429)
    _ = try await limiter.permit(for: calm)
    #expect(order.entries.isEmpty)
    #expect(held != nil)
    held = nil
    try await first.value
    try await second.value
    #expect(order.entries == [1, 2])
    // All permits are free: the next request does not wait.
    _ = try await limiter.permit(for: busy)
  }

  @Test("A workspace counts as active until a second after its last request")
  func activeWorkspaces() {
    let clock = Mutex(10.0)
    let activeWorkspaces = ActiveWorkspaces { clock.withLock { $0 } }
    let (one, other) = (WorkspaceID.made(at: Date()), WorkspaceID.made(at: Date()))
    #expect(!activeWorkspaces.hasOthers(than: one))
    activeWorkspaces.record(one)
    #expect(!activeWorkspaces.hasOthers(than: one))
    #expect(activeWorkspaces.hasOthers(than: other))
    activeWorkspaces.record(other)
    #expect(activeWorkspaces.hasOthers(than: one))
    clock.withLock { $0 = 11.9 }
    #expect(activeWorkspaces.hasOthers(than: one))
    activeWorkspaces.record(one)
    clock.withLock { $0 = 12 }
    #expect(!activeWorkspaces.hasOthers(than: one))
    #expect(activeWorkspaces.hasOthers(than: other))
    clock.withLock { $0 = 20 }
    #expect(!activeWorkspaces.hasOthers(than: other))
  }

  @Test("A workspace has more permits while no other workspace is active")
  func permitsBesideOthers() async throws {
    let clock = Mutex(0.0)
    let activeWorkspaces = ActiveWorkspaces { clock.withLock { $0 } }
    let limiter = WorkspaceConcurrencyLimiter(
      maximumPerWorkspace: 3, besideOthers: 1, activeWorkspaces: activeWorkspaces, timeout: .seconds(30))
    let (busy, calm) = (WorkspaceID.made(at: Date()), WorkspaceID.made(at: Date()))
    activeWorkspaces.record(busy)
    var held: [WorkspaceConcurrencyLimiter.Permit] = []
    for _ in 0..<3 { held.append(try await limiter.permit(for: busy)) }
    let taken = HeldPermits()
    let waiting = (0..<3).map { _ in
      Task {
        let permit = try await limiter.permit(for: busy)
        taken.permits.withLock { $0.append(permit) }
      }
    }
    try await eventually("three requests to wait") { limiter.waitingCount(of: busy) == 3 }
    // Another workspace is active: released permits are not granted again until none is in use.
    activeWorkspaces.record(calm)
    held.removeLast()
    held.removeLast()
    #expect(limiter.waitingCount(of: busy) == 3)
    held.removeLast()
    try await eventually("one request to continue") { taken.permits.withLock { $0.count } == 1 }
    #expect(limiter.waitingCount(of: busy) == 2)
    // No other workspace is active: the next release grants all permits.
    clock.withLock { $0 = 5 }
    taken.permits.withLock { $0 = [] }
    for task in waiting { try await task.value }
    #expect(taken.permits.withLock { $0.count } == 2)
    _ = try await limiter.permit(for: busy)
  }

  @Test("The start rate of a workspace is limited only while other workspaces are active")
  func startRate() async throws {
    let clock = Mutex(0.0)
    let now = { @Sendable in clock.withLock { $0 } }
    let activeWorkspaces = ActiveWorkspaces(now: now)
    let (busy, calm) = (WorkspaceID.made(at: Date()), WorkspaceID.made(at: Date()))
    func limiter(_ rate: Rate, timeout: Duration) -> WorkspaceConcurrencyLimiter {
      WorkspaceConcurrencyLimiter(maximumPerWorkspace: 100, activeWorkspaces: activeWorkspaces, rate: rate, timeout: timeout, now: now)
    }
    let brief = limiter(Rate(perSecond: 1, burst: 2), timeout: .milliseconds(1))
    activeWorkspaces.record(busy)
    for _ in 0..<10 { _ = try await brief.permit(for: busy) }
    // Another workspace is active: two requests start immediately, and one more after a second.
    activeWorkspaces.record(calm)
    for _ in 0..<2 { _ = try await brief.permit(for: busy) }
    let refusal = await #expect(throws: APIError.self) { try await brief.permit(for: busy) }
    #expect(refusal?.error.status == 429)
    _ = try await brief.permit(for: calm)
    clock.withLock { $0 = 1 }
    _ = try await brief.permit(for: busy)
    await #expect(throws: APIError.self) { try await brief.permit(for: busy) }
    // With a long timeout a request waits until it may start.
    let long = limiter(Rate(perSecond: 100, burst: 1), timeout: .seconds(30))
    for _ in 0..<3 { _ = try await long.permit(for: busy) }
    clock.withLock { $0 = 20 }
    activeWorkspaces.record(busy)
    for _ in 0..<10 { _ = try await brief.permit(for: busy) }
  }

  @Test("A request that waits too long gets 429, and a cancelled request takes no permit")
  func timeoutAndCancellation() async throws {
    let limiter = WorkspaceConcurrencyLimiter(maximumPerWorkspace: 1, timeout: .milliseconds(50))
    let workspace = WorkspaceID.made(at: Date())
    var held: WorkspaceConcurrencyLimiter.Permit? = try await limiter.permit(for: workspace)
    let refusal = await #expect(throws: APIError.self) { try await limiter.permit(for: workspace) }
    #expect(refusal?.error.status == 429)
    let cancelled = Task { _ = try await limiter.permit(for: workspace) }
    cancelled.cancel()
    await #expect(throws: (any Error).self) { try await cancelled.value }
    try await eventually("no request to wait") { limiter.waitingCount(of: workspace) == 0 }
    #expect(held != nil)
    held = nil
    _ = try await limiter.permit(for: workspace)
  }
}

/// The permits that tasks hold.
private final class HeldPermits: Sendable {
  let permits = Mutex<[WorkspaceConcurrencyLimiter.Permit]>([])
}
