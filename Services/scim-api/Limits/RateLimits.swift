import Models
import Synchronization

/// How many requests each token, each workspace and each stranger may send.
///
/// One process counts what comes to it: behind a balancer that spreads requests evenly, each of several copies has its share of the rates.
final class RateLimits: Sendable {
  struct Rates: Sendable {
    var token = Rate(perSecond: 100, burst: 500)
    var workspace = Rate(perSecond: 200, burst: 1000)
    /// Requests without a token that is known, by the address they come from.
    var stranger = Rate(perSecond: 10, burst: 100)
    /// Sessions of the console that are opened for one person whom a proxy names.
    var opening = Rate(perSecond: 0.1, burst: 20)
    /// Refusals of one workspace, or of the strangers at one address: those beyond are held until they are due.
    var refusal = Rate(perSecond: 20, burst: 20)
    /// For how many seconds at most.
    var longestHold = 5.0
  }

  private struct State {
    var tokens: Buckets<TokenID>
    var workspaces: Buckets<WorkspaceID>
    var strangers: Buckets<ClientAddress>
    var openings: Buckets<Person>
  }

  private struct Person: Hashable, Sendable {
    var workspace: WorkspaceID
    var name: String
  }

  private let state: Mutex<State>
  private let pace: RefusalPace
  private let now: @Sendable () -> Double

  /// - Parameter now: A clock's seconds, which never goes back.
  init(_ rates: Rates = Rates(), now: @escaping @Sendable () -> Double = RateLimits.uptime) {
    state = Mutex(
      State(
        tokens: Buckets(rates.token, maximum: 100_000), workspaces: Buckets(rates.workspace, maximum: 100_000),
        strangers: Buckets(rates.stranger, maximum: 20_000), openings: Buckets(rates.opening, maximum: 20_000)))
    pace = RefusalPace(rates.refusal, longest: rates.longestHold)
    self.now = now
  }

  /// How many refusals are held.
  var heldCount: Int { pace.heldCount }

  /// Counts one request of `token`, before anything is done for it.
  ///
  /// - Throws: 429, in its own time where there are many, where the token or its workspace has none left; then nothing is counted.
  func admit(_ token: TokenID, of workspace: WorkspaceID) async throws {
    do {
      try count(token, of: workspace)
    } catch {
      await pace.hold(.workspace(workspace), at: now())
      throw error
    }
  }

  /// Counts one request of `token`.
  ///
  /// - Throws: 429 where the token or its workspace has none left; then nothing is counted.
  func count(_ token: TokenID, of workspace: WorkspaceID) throws(Refusal) {
    try count(token, in: \.tokens, named: "this token", of: workspace)
  }

  /// Counts one session of the console that is to be opened for `person`.
  ///
  /// - Throws: 429 where they have had too many lately, or their workspace has no request left; then nothing is counted.
  func countOpening(of person: String, in workspace: WorkspaceID) throws(Refusal) {
    try count(Person(workspace: workspace, name: person), in: \.openings, named: "this person that open a session", of: workspace)
  }

  /// Counts one of `owner` and of the workspace: of both or, where either has none left, of neither.
  private func count<Owner>(
    _ owner: Owner, in buckets: WritableKeyPath<State, Buckets<Owner>>, named whose: String, of workspace: WorkspaceID
  ) throws(Refusal) {
    let now = now()
    try state.withLock { state throws(Refusal) in
      let wait = state[keyPath: buckets].wait(of: owner, at: now)
      guard wait == 0 else { throw .rateExceeded(whose, state[keyPath: buckets].rate, wait: wait) }
      let shared = state.workspaces.wait(of: workspace, at: now)
      guard shared == 0 else { throw .rateExceeded("this workspace, of all its tokens,", state.workspaces.rate, wait: shared) }
      state[keyPath: buckets].take(of: owner, at: now)
      state.workspaces.take(of: workspace, at: now)
    }
  }

  /// Refuses whoever comes from an address whose strangers have sent too much, before anything is read of them.
  ///
  /// - Throws: 429, in its own time where there are many.
  func checkStranger(at address: String?) async throws {
    let (wait, rate) = strangersWait(at: address)
    guard wait > 0 else { return }
    await pace.hold(.stranger(ClientAddress(address)), at: now())
    throw Refusal.rateExceeded("this address, without a token that is known here,", rate, wait: wait)
  }

  /// Lets `admit` find out who sends a request from `address`, and counts it as a stranger's where that is refused with 401.
  ///
  /// Where strangers at its address have sent too much, nobody is asked, but for a token that was good a moment ago: whoever shares the
  /// address with a guesser is not shut out.
  ///
  /// - Throws: 429; whatever `admit` throws.
  func admitting<Admitted>(
    from address: String?, unlessKnown isKnown: @autoclosure () -> Bool = false, _ admit: () async throws -> Admitted
  ) async throws -> Admitted {
    if strangersWait(at: address).wait > 0, !isKnown() { try await checkStranger(at: address) }
    do {
      return try await admit()
    } catch let refusal as Refusal where refusal.error.status == 401 {
      countStranger(at: address)
      throw refusal
    } catch let error as OAuthError where error.status == 401 {
      countStranger(at: address)
      throw error
    }
  }

  private func strangersWait(at address: String?) -> (wait: Double, rate: Rate) {
    let now = now()
    return state.withLock { state in
      state.strangers.count == 0
        ? (0, state.strangers.rate) : (state.strangers.wait(of: ClientAddress(address), at: now), state.strangers.rate)
    }
  }

  private func countStranger(at address: String?) {
    let now = now()
    state.withLock { $0.strangers.take(of: ClientAddress(address), at: now) }
  }

  private static let start = ContinuousClock.now

  /// The seconds since the process first asked.
  static let uptime: @Sendable () -> Double = { (ContinuousClock.now - start) / .seconds(1) }
}

extension Refusal {
  /// - Parameter wait: in how many seconds another request is taken.
  fileprivate static func rateExceeded(_ whose: String, _ rate: Rate, wait: Double) -> Refusal {
    let seconds = max(1, Int(wait.rounded(.up)))
    let perSecond = rate.perSecond.rounded() == rate.perSecond ? "\(Int(rate.perSecond))" : "\(rate.perSecond)"
    return Refusal(
      429,
      """
      The requests of \(whose) exceed the limit of \(perSecond) a second, and of \(max(1, rate.burst)) at once after a rest; nothing was \
      changed. Send the request again in \(seconds) s.
      """,
      headers: [.retryAfter: "\(seconds)"])
  }
}
