import Models
import Synchronization

/// Limits the memory for request bodies, in total and per workspace or client address.
///
/// Memory is reserved as bytes arrive, so a connection that only announces a body takes none. Bodies of up to ``smallBody`` bytes have a
/// separate reserve, so that they are accepted while large ones use up the rest. An owner never has more than what remains for the others:
/// a single owner gets at most half of the memory.
package final class BodyBudget: Sendable {
  /// The limits, in bytes.
  package struct Limits: Sendable, Equatable {
    /// For all bodies of more than ``BodyBudget/smallBody`` bytes.
    package var largeBodies = 256 << 20
    /// For all other bodies, in addition.
    package var smallBodies = 32 << 20
    /// For all bodies of a workspace.
    package var perWorkspace = 64 << 20
    /// For all unauthenticated bodies of a client address.
    package var perAddress = 1 << 20

    /// Limits in bytes.
    package init(largeBodies: Int = 256 << 20, smallBodies: Int = 32 << 20, perWorkspace: Int = 64 << 20, perAddress: Int = 1 << 20) {
      self.largeBodies = largeBodies
      self.smallBodies = smallBodies
      self.perWorkspace = perWorkspace
      self.perAddress = perAddress
    }
  }

  /// The sender of a body. The tenants of an identity provider share its addresses, so authenticated senders are counted per workspace.
  package enum Owner: Sendable, Hashable {
    case workspace(WorkspaceID)
    case address(ClientAddress)
  }

  /// The maximum size of a small body, in bytes.
  package static let smallBody = 64 << 10

  private struct State {
    var small: Pool
    var large: Pool

    func taken(by owner: Owner) -> Int { small.taken(by: owner) + large.taken(by: owner) }
  }

  private let state: Mutex<State>
  private let limits: Limits

  /// A budget with `limits`, of which nothing is reserved.
  package init(_ limits: Limits = Limits()) {
    self.limits = limits
    state = Mutex(State(small: Pool(size: limits.smallBodies), large: Pool(size: limits.largeBodies)))
  }

  /// The bytes that are reserved now.
  package var taken: Int { state.withLock { $0.small.taken + $0.large.taken } }

  private func limit(of owner: Owner) -> Int {
    switch owner {
    case .workspace: limits.perWorkspace
    case .address: limits.perAddress
    }
  }

  /// Reserves `more` bytes for a body of `owner`.
  ///
  /// - Parameters:
  ///   - bytes: the bytes that the body has reserved so far.
  ///   - isSmall: whether those are from the reserve for small bodies.
  /// - Returns: Whether all bytes of the body are from that reserve now.
  /// - Throws: 429 if the owner has reached its limit, 503 if there is not enough memory; then nothing is reserved.
  private func take(_ more: Int, of owner: Owner, having bytes: Int, isSmall: Bool) throws(APIError) -> Bool {
    let limit = limit(of: owner)
    return try state.withLock { state throws(APIError) in
      let own = state.taken(by: owner)
      guard own + more <= limit else { throw .bodyShareExceeded(owner) }
      if isSmall, bytes + more <= Self.smallBody, state.small.take(more, for: owner) { return true }
      // A body that is no longer small, or finds the reserve full, moves to the memory for large bodies.
      guard state.large.take(isSmall ? bytes + more : more, for: owner) else {
        throw own > bytes ? APIError.bodyShareExceeded(owner) : APIError.overloaded()
      }
      if isSmall { state.small.release(bytes, from: owner) }
      return false
    }
  }

  private func release(_ bytes: Int, of owner: Owner, isSmall: Bool) {
    state.withLock { state in
      if isSmall { state.small.release(bytes, from: owner) } else { state.large.release(bytes, from: owner) }
    }
  }

  /// The memory that one request has reserved.
  package struct Share: ~Copyable {
    private let budget: BodyBudget
    private let owner: Owner
    private var bytes = 0
    private var isSmall = true

    /// An empty share of `budget` for `owner`.
    package init(of budget: BodyBudget, for owner: Owner) {
      self.budget = budget
      self.owner = owner
    }

    deinit { budget.release(bytes, of: owner, isSmall: isSmall) }

    /// Reserves `more` bytes.
    ///
    /// - Throws: 429 if the owner has reached its limit, 503 if the budget has not enough memory.
    package mutating func take(_ more: Int) throws(APIError) {
      isSmall = try budget.take(more, of: owner, having: bytes, isSmall: isSmall)
      bytes += more
    }

    /// Releases the memory. Keeps the share alive until then: it may otherwise be released after the last use.
    package consuming func release() {}
  }
}

/// An amount of memory that several owners share.
private struct Pool {
  let size: Int
  private(set) var taken = 0
  private var owners: [BodyBudget.Owner: Int] = [:]

  init(size: Int) {
    self.size = size
  }

  func taken(by owner: BodyBudget.Owner) -> Int { owners[owner, default: 0] }

  /// Reserves `bytes`, unless the owner would then have more than what remains for the others.
  ///
  /// - Returns: Whether the bytes are reserved.
  mutating func take(_ bytes: Int, for owner: BodyBudget.Owner) -> Bool {
    let own = taken(by: owner) + bytes
    guard own <= size - taken - bytes else { return false }
    taken += bytes
    owners[owner] = own
    return true
  }

  mutating func release(_ bytes: Int, from owner: BodyBudget.Owner) {
    taken -= bytes
    let left = taken(by: owner) - bytes
    owners[owner] = left == 0 ? nil : left
  }
}

extension APIError {
  fileprivate static func bodyShareExceeded(_ owner: BodyBudget.Owner, retryAfter seconds: Int = 1) -> APIError {
    let subject =
      switch owner {
      case .workspace: "this workspace"
      case .address: "this address"
      }
    return APIError(
      429,
      """
      The requests of \(subject) that are being received use all the memory for its bodies; nothing was changed. Send fewer large requests at \
      once, and this one again in \(seconds) s.
      """,
      headers: [.retryAfter: "\(seconds)"]
    ).because(of: .bodyMemory)
  }
}
