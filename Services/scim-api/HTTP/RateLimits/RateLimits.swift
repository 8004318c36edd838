import Models
import Synchronization

/// How many requests each token, each workspace and each stranger may send.
///
/// One process counts what comes to it: behind a balancer that spreads requests evenly, each of several copies has its share of the rates.
package final class RateLimits: Sendable {
  /// The rates that are limited.
  package struct Rates: Sendable {
    /// Requests of one token.
    package var token = Rate(perSecond: 100, burst: 500)
    /// Requests of all tokens of a workspace.
    package var workspace = Rate(perSecond: 200, burst: 1000)
    /// Requests without a known credential, by the address they come from.
    package var unauthenticated = Rate(perSecond: 10, burst: 100)
    /// Reads of what is public, such as keys, by the address they come from.
    package var publicRead = Rate(perSecond: 50, burst: 500)
    /// Sessions of the console that are opened for one person whom a proxy names.
    package var opening = Rate(perSecond: 0.1, burst: 20)
    /// Refusals of one workspace, or of the strangers at one address: those beyond are held until they are due.
    package var rejection = Rate(perSecond: 20, burst: 20)
    /// For how many seconds at most.
    package var maximumHold = 5.0

    /// Rates, by default those of the settings' defaults.
    package init(
      token: Rate = Rate(perSecond: 100, burst: 500), workspace: Rate = Rate(perSecond: 200, burst: 1000),
      unauthenticated: Rate = Rate(perSecond: 10, burst: 100), publicRead: Rate = Rate(perSecond: 50, burst: 500),
      opening: Rate = Rate(perSecond: 0.1, burst: 20), rejection: Rate = Rate(perSecond: 20, burst: 20), maximumHold: Double = 5.0
    ) {
      self.token = token
      self.workspace = workspace
      self.unauthenticated = unauthenticated
      self.publicRead = publicRead
      self.opening = opening
      self.rejection = rejection
      self.maximumHold = maximumHold
    }
  }

  private struct State {
    var tokens: Buckets<TokenID>
    var workspaces: Buckets<WorkspaceID>
    var unauthenticated: Buckets<ClientAddress>
    var publicReads: Buckets<ClientAddress>
    var openings: Buckets<Person>
  }

  private struct Person: Hashable, Sendable {
    var workspace: WorkspaceID
    var name: String
  }

  private let state: Mutex<State>
  private let throttle: RejectionThrottle
  private let now: @Sendable () -> Double

  /// - Parameter now: A clock's seconds, which never goes back.
  package init(_ rates: Rates = Rates(), now: @escaping @Sendable () -> Double = RateLimits.uptime) {
    state = Mutex(
      State(
        tokens: Buckets(rates.token, maximum: 100_000), workspaces: Buckets(rates.workspace, maximum: 100_000),
        unauthenticated: Buckets(rates.unauthenticated, maximum: 20_000), publicReads: Buckets(rates.publicRead, maximum: 20_000),
        openings: Buckets(rates.opening, maximum: 20_000)))
    throttle = RejectionThrottle(rates.rejection, maximumHold: rates.maximumHold)
    self.now = now
  }

  /// How many refusals are held.
  var heldCount: Int { throttle.heldCount }

  /// Counts one request of `token`, before anything is done for it.
  ///
  /// - Throws: 429, in its own time where there are many, where the token or its workspace has none left; then nothing is counted.
  package func admit(_ token: TokenID, of workspace: WorkspaceID) async throws {
    do {
      try count(token, of: workspace)
    } catch {
      await throttle.hold(.workspace(workspace), at: now())
      throw error
    }
  }

  /// Counts one request of `token`.
  ///
  /// - Throws: 429 where the token or its workspace has none left; then nothing is counted.
  package func count(_ token: TokenID, of workspace: WorkspaceID) throws(APIError) {
    try count(token, in: \.tokens, named: "this token", of: workspace)
  }

  /// Counts one session of the console that is to be opened for `person`.
  ///
  /// - Throws: 429 where they have had too many lately, or their workspace has no request left; then nothing is counted.
  package func countOpening(of person: String, in workspace: WorkspaceID) throws(APIError) {
    try count(Person(workspace: workspace, name: person), in: \.openings, named: "this person that open a session", of: workspace)
  }

  /// Counts one of `owner` and of the workspace: of both or, where either has none left, of neither.
  private func count<Owner>(
    _ owner: Owner, in buckets: WritableKeyPath<State, Buckets<Owner>>, named whose: String, of workspace: WorkspaceID
  ) throws(APIError) {
    let now = now()
    try state.withLock { state throws(APIError) in
      let wait = state[keyPath: buckets].wait(of: owner, at: now)
      guard wait == 0 else { throw .rateExceeded(whose, state[keyPath: buckets].rate, wait: wait) }
      let shared = state.workspaces.wait(of: workspace, at: now)
      guard shared == 0 else { throw .rateExceeded("this workspace, of all its tokens,", state.workspaces.rate, wait: shared) }
      state[keyPath: buckets].take(of: owner, at: now)
      state.workspaces.take(of: workspace, at: now)
    }
  }

  /// Refuses a request from an address that has sent too many without a known credential, before anything is read of it.
  ///
  /// - Throws: 429, in its own time where there are many.
  private func checkUnauthenticated(from address: String?) async throws {
    guard let error = unauthenticatedError(for: address) else { return }
    await throttle.hold(.address(ClientAddress(address)), at: now())
    throw error
  }

  private func unauthenticatedError(for address: String?) -> APIError? {
    let (wait, rate) = unauthenticatedWait(at: address)
    return wait > 0 ? .rateExceeded("this address, without a token that is known here,", rate, wait: wait) : nil
  }

  /// Runs `answer` for a request from `address`, and counts it unless `isAuthenticated` says afterwards that it had a credential of this
  /// deployment.
  ///
  /// While the address has sent too many, only requests with a known credential are answered: who shares the address with a guesser is not
  /// shut out.
  ///
  /// - Throws: 429; whatever `answer` throws.
  func limitingUnauthenticated<Answer>(
    from address: String?, isKnown: () -> Bool, isAuthenticated: () -> Bool, answer: () async throws -> Answer
  ) async throws -> Answer {
    if unauthenticatedWait(at: address).wait > 0, !isKnown() { try await checkUnauthenticated(from: address) }
    defer { if !isAuthenticated() { recordUnauthenticated(at: address) } }
    return try await answer()
  }

  /// Counts one request without a credential, which is answered at once.
  ///
  /// - Returns: 429 where the address has sent too many; then nothing is counted.
  package func countUnauthenticated(from address: String?) -> APIError? {
    if let error = unauthenticatedError(for: address) { return error }
    recordUnauthenticated(at: address)
    return nil
  }

  /// Counts one read of what is public.
  ///
  /// - Throws: 429 where the address has sent too many, in its own time where there are many; then nothing is counted.
  func countPublicRead(from address: String?) async throws {
    let now = now()
    let client = ClientAddress(address)
    let error = state.withLock { state -> APIError? in
      let wait = state.publicReads.wait(of: client, at: now)
      guard wait == 0 else { return .rateExceeded("this address for public keys and metadata", state.publicReads.rate, wait: wait) }
      state.publicReads.take(of: client, at: now)
      return nil
    }
    guard let error else { return }
    await throttle.hold(.address(client), at: now)
    throw error
  }

  private func unauthenticatedWait(at address: String?) -> (wait: Double, rate: Rate) {
    let now = now()
    return state.withLock { state in
      state.unauthenticated.count == 0
        ? (0, state.unauthenticated.rate) : (state.unauthenticated.wait(of: ClientAddress(address), at: now), state.unauthenticated.rate)
    }
  }

  private func recordUnauthenticated(at address: String?) {
    let now = now()
    state.withLock { $0.unauthenticated.take(of: ClientAddress(address), at: now) }
  }

  private static let start = ContinuousClock.now

  /// The seconds since the process first asked.
  static let uptime: @Sendable () -> Double = { (ContinuousClock.now - start) / .seconds(1) }
}

extension APIError {
  /// - Parameter wait: in how many seconds another request is taken.
  fileprivate static func rateExceeded(_ whose: String, _ rate: Rate, wait: Double) -> APIError {
    let seconds = max(1, Int(wait.rounded(.up)))
    let perSecond = rate.perSecond.rounded() == rate.perSecond ? "\(Int(rate.perSecond))" : "\(rate.perSecond)"
    return APIError(
      429,
      """
      The requests of \(whose) exceed the limit of \(perSecond) a second, and of \(max(1, rate.burst)) at once after a rest; nothing was \
      changed. Send the request again in \(seconds) s.
      """,
      headers: [.retryAfter: "\(seconds)"])
  }
}
