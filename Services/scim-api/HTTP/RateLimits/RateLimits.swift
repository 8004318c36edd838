import Models
import Synchronization

/// The rate limits per token, per workspace and per client address.
///
/// The limits per token and per workspace hold for all edges together, which tell each other what they have accepted (``UsageSharing``). The
/// limits per client address and per person are those of this edge.
package final class RateLimits: Sendable {
  /// The limits.
  package struct Rates: Sendable {
    /// Requests per token.
    package var token = Rate(perSecond: 100, burst: 500)
    /// Requests per deployment-wide token, which serves the product for all workspaces.
    package var deploymentToken = Rate(perSecond: 2000, burst: 10_000)
    /// Requests per workspace, all its tokens together.
    package var workspace = Rate(perSecond: 200, burst: 1000)
    /// Unauthenticated requests per client address.
    package var unauthenticated = Rate(perSecond: 10, burst: 100)
    /// Reads of public resources, such as keys, per client address.
    package var publicRead = Rate(perSecond: 50, burst: 500)
    /// Console sessions opened per person whom a trusted proxy has signed in.
    package var opening = Rate(perSecond: 0.1, burst: 20)
    /// 429 responses per workspace, or per address for unauthenticated clients. Further ones are delayed.
    package var rejection = Rate(perSecond: 20, burst: 20)
    /// The maximum delay of a 429 response, in seconds.
    package var maximumHold = 5.0

    /// The limits; the defaults are those of the settings.
    package init(
      token: Rate = Rate(perSecond: 100, burst: 500), deploymentToken: Rate = Rate(perSecond: 2000, burst: 10_000),
      workspace: Rate = Rate(perSecond: 200, burst: 1000),
      unauthenticated: Rate = Rate(perSecond: 10, burst: 100), publicRead: Rate = Rate(perSecond: 50, burst: 500),
      opening: Rate = Rate(perSecond: 0.1, burst: 20), rejection: Rate = Rate(perSecond: 20, burst: 20), maximumHold: Double = 5.0
    ) {
      self.token = token
      self.deploymentToken = deploymentToken
      self.workspace = workspace
      self.unauthenticated = unauthenticated
      self.publicRead = publicRead
      self.opening = opening
      self.rejection = rejection
      self.maximumHold = maximumHold
    }
  }

  struct State {
    var tokens: Buckets<TokenID>
    var deploymentTokens: Buckets<TokenID>
    var workspaces: Buckets<WorkspaceID>
    var unauthenticated: Buckets<ClientAddress>
    var publicReads: Buckets<ClientAddress>
    var openings: Buckets<Person>
    /// What the other edges have not heard of yet.
    var unsharedUsage = UnsharedUsage()
  }

  struct Person: Hashable, Sendable {
    var workspace: WorkspaceID
    var name: String
  }

  let state: Mutex<State>
  private let throttle: RejectionThrottle
  /// A monotonic clock, in seconds.
  let now: @Sendable () -> Double

  /// - Parameter now: a monotonic clock, in seconds.
  package init(_ rates: Rates = Rates(), now: @escaping @Sendable () -> Double = RateLimits.uptime) {
    state = Mutex(
      State(
        tokens: Buckets(rates.token, maximum: 100_000), deploymentTokens: Buckets(rates.deploymentToken, maximum: 1000),
        workspaces: Buckets(rates.workspace, maximum: 100_000),
        unauthenticated: Buckets(rates.unauthenticated, maximum: 20_000), publicReads: Buckets(rates.publicRead, maximum: 20_000),
        openings: Buckets(rates.opening, maximum: 20_000)))
    throttle = RejectionThrottle(rates.rejection, maximumHold: rates.maximumHold)
    self.now = now
  }

  /// The number of 429 responses that are being delayed.
  var heldCount: Int { throttle.heldCount }

  /// Counts a request of `token` before it is processed.
  ///
  /// - Parameters:
  ///   - workspace: the workspace of the token or, for a deployment-wide token, the one that the request names.
  ///   - isDeploymentWide: whether the token is deployment-wide.
  /// - Throws: 429, delayed if there are many, if the token or the workspace has reached its limit; then nothing is counted.
  package func admit(_ token: TokenID, of workspace: WorkspaceID, isDeploymentWide: Bool = false) async throws {
    do {
      try count(token, of: workspace, isDeploymentWide: isDeploymentWide)
    } catch {
      await throttle.hold(.workspace(workspace), at: now())
      throw error
    }
  }

  /// Counts a request of `token`, without delaying the 429.
  ///
  /// - Throws: 429 if the token or its workspace has reached its limit; then nothing is counted.
  package func count(_ token: TokenID, of workspace: WorkspaceID, isDeploymentWide: Bool = false) throws(APIError) {
    let now = now()
    let onUsage = try state.withLock { state throws(APIError) in
      if !isDeploymentWide {
        try Self.count(token, in: &state.tokens, named: "this token", .tokenRate, of: workspace, in: &state.workspaces, at: now)
      } else if workspace != .deployment {
        try Self.count(
          token, in: &state.deploymentTokens, named: "this token", .deploymentTokenRate, of: workspace, in: &state.workspaces, at: now)
      } else {
        // A request about the whole deployment counts for no workspace.
        try Self.count(token, in: &state.deploymentTokens, named: "this token", .deploymentTokenRate, at: now)
      }
      return state.unsharedUsage.record(token, of: workspace, isDeploymentWide: isDeploymentWide)
    }
    onUsage?()
  }

  /// Counts a console session that is about to be opened for `person`.
  ///
  /// - Throws: 429 if the person or the workspace has reached its limit; then nothing is counted.
  package func countOpening(of person: String, in workspace: WorkspaceID) throws(APIError) {
    let now = now()
    let onUsage = try state.withLock { state throws(APIError) in
      try Self.count(
        Person(workspace: workspace, name: person), in: &state.openings, named: "this person for new sessions", .sessionRate,
        of: workspace, in: &state.workspaces, at: now)
      return state.unsharedUsage.record(nil, of: workspace, isDeploymentWide: false)
    }
    onUsage?()
  }

  /// Counts a request against the limit of `owner` alone.
  private static func count<Owner>(
    _ owner: Owner, in buckets: inout Buckets<Owner>, named subject: String, _ limit: RequestLimit, at now: Double
  ) throws(APIError) {
    try check(owner, in: buckets, named: subject, limit, at: now)
    buckets.take(of: owner, at: now)
  }

  private static func check<Owner>(
    _ owner: Owner, in buckets: Buckets<Owner>, named subject: String, _ limit: RequestLimit, at now: Double
  ) throws(APIError) {
    let wait = buckets.wait(of: owner, at: now)
    guard wait == 0 else { throw .rateExceeded(subject, buckets.rate, wait: wait, limit) }
  }

  /// Counts a request against the limits of `owner` and of the workspace: against both, or against neither if one is reached.
  private static func count<Owner>(
    _ owner: Owner, in buckets: inout Buckets<Owner>, named subject: String, _ limit: RequestLimit, of workspace: WorkspaceID,
    in workspaces: inout Buckets<WorkspaceID>, at now: Double
  ) throws(APIError) {
    try check(owner, in: buckets, named: subject, limit, at: now)
    let shared = workspaces.wait(of: workspace, at: now)
    guard shared == 0 else {
      throw .rateExceeded("this workspace, for all its tokens together,", workspaces.rate, wait: shared, .workspaceRate)
    }
    buckets.take(of: owner, at: now)
    workspaces.take(of: workspace, at: now)
  }

  /// Rejects a request if its address has sent too many unauthenticated ones, before its body is read.
  ///
  /// - Throws: 429, delayed if there are many.
  private func checkUnauthenticated(from address: String?) async throws {
    guard let error = unauthenticatedError(for: address) else { return }
    await throttle.hold(.address(ClientAddress(address)), at: now())
    throw error
  }

  private func unauthenticatedError(for address: String?) -> APIError? {
    let (wait, rate) = unauthenticatedWait(at: address)
    return wait > 0 ? .rateExceeded("this address without a known token", rate, wait: wait, .unauthenticatedRate) : nil
  }

  /// Runs `answer` for a request from `address`, and counts the request unless `isAuthenticated` is true afterwards.
  ///
  /// While the address is over the limit, only requests with a known credential are processed: an attacker who tries tokens does not lock
  /// out the clients behind the same address.
  ///
  /// - Parameters:
  ///   - isKnown: whether the request has a credential that was valid a moment ago.
  ///   - isAuthenticated: whether the request turned out to have a valid credential.
  /// - Throws: 429; the errors of `answer`.
  func limitingUnauthenticated<Answer>(
    from address: String?, isKnown: () -> Bool, isAuthenticated: () -> Bool, answer: () async throws -> Answer
  ) async throws -> Answer {
    if unauthenticatedWait(at: address).wait > 0, !isKnown() { try await checkUnauthenticated(from: address) }
    defer { if !isAuthenticated() { recordUnauthenticated(at: address) } }
    return try await answer()
  }

  /// Counts an unauthenticated request, without delaying the 429.
  ///
  /// - Returns: 429 if the address has reached its limit; then nothing is counted.
  package func countUnauthenticated(from address: String?) -> APIError? {
    if let error = unauthenticatedError(for: address) { return error }
    recordUnauthenticated(at: address)
    return nil
  }

  /// Counts a read of a public resource.
  ///
  /// - Throws: 429, delayed if there are many, if the address has reached its limit; then nothing is counted.
  func countPublicRead(from address: String?) async throws {
    let now = now()
    let client = ClientAddress(address)
    let error = state.withLock { state -> APIError? in
      let wait = state.publicReads.wait(of: client, at: now)
      guard wait == 0 else {
        return .rateExceeded("this address for public keys and metadata", state.publicReads.rate, wait: wait, .publicReadRate)
      }
      state.publicReads.take(of: client, at: now)
      return nil
    }
    guard let error else { return }
    await throttle.hold(.address(client), at: now)
    throw error
  }

  private func unauthenticatedWait(at address: String?) -> (wait: Double, rate: Rate) {
    state.withLock { state in
      state.unauthenticated.count == 0
        ? (0, state.unauthenticated.rate) : (state.unauthenticated.wait(of: ClientAddress(address), at: now()), state.unauthenticated.rate)
    }
  }

  private func recordUnauthenticated(at address: String?) {
    let now = now()
    state.withLock { $0.unauthenticated.take(of: ClientAddress(address), at: now) }
  }

  private static let start = ContinuousClock.now

  /// A monotonic clock: the seconds since its first use in the process.
  static let uptime: @Sendable () -> Double = { (ContinuousClock.now - start) / .seconds(1) }
}

extension APIError {
  /// - Parameter wait: the time until another request is accepted, in seconds.
  fileprivate static func rateExceeded(_ subject: String, _ rate: Rate, wait: Double, _ limit: RequestLimit) -> APIError {
    let seconds = max(1, Int(wait.rounded(.up)))
    let perSecond = rate.perSecond.rounded() == rate.perSecond ? "\(Int(rate.perSecond))" : "\(rate.perSecond)"
    return APIError(
      429,
      """
      The requests of \(subject) exceed the limit of \(perSecond) per second, with bursts of up to \(max(1, rate.burst)); nothing was \
      changed. Send the request again in \(seconds) s.
      """,
      headers: [.retryAfter: "\(seconds)"]
    ).because(of: limit)
  }
}
