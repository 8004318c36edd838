import Models
import Synchronization

/// Limits the memory that request bodies take: in all, and for each workspace or client address.
///
/// Memory is reserved as bytes arrive, so a connection that only announces a body takes none. Bodies of up to ``smallBody`` bytes have a
/// reserve of their own, so that they pass while large ones fill the rest. No owner gets more than what is then left for the others: one
/// alone leaves half of the memory.
package final class BodyBudget: Sendable {
  /// In bytes.
  package struct Limits: Sendable, Equatable {
    /// Of all bodies of more than ``BodyBudget/smallBody`` bytes.
    package var largeBodies = 256 << 20
    /// Of all other bodies, beside that.
    package var smallBodies = 32 << 20
    /// Of all bodies of one workspace.
    package var perWorkspace = 64 << 20
    /// Of all bodies from one client address whose sender is not known.
    package var perAddress = 1 << 20

    /// Limits in bytes.
    package init(largeBodies: Int = 256 << 20, smallBodies: Int = 32 << 20, perWorkspace: Int = 64 << 20, perAddress: Int = 1 << 20) {
      self.largeBodies = largeBodies
      self.smallBodies = smallBodies
      self.perWorkspace = perWorkspace
      self.perAddress = perAddress
    }
  }

  /// Who sends a body. The tenants of one identity provider share its addresses, so a known sender is counted by workspace.
  package enum Owner: Sendable, Hashable {
    case workspace(WorkspaceID)
    case address(ClientAddress)
  }

  /// The most bytes of a body that is counted as small.
  package static let smallBody = 64 << 10

  private struct State {
    var small: Pool
    var large: Pool

    func taken(by owner: Owner) -> Int { small.taken(by: owner) + large.taken(by: owner) }
  }

  private let state: Mutex<State>
  private let limits: Limits

  /// A budget with these limits.
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

  /// Reserves `more` bytes for a body of `owner` that has `bytes` so far, `isSmall` from the reserve for small bodies.
  ///
  /// - Returns: whether it is in that reserve now.
  /// - Throws: 429 where the owner has its share, 503 where there is no room; then nothing is reserved.
  private func take(_ more: Int, of owner: Owner, having bytes: Int, isSmall: Bool) throws(APIError) -> Bool {
    let limit = limit(of: owner)
    return try state.withLock { state throws(APIError) in
      let own = state.taken(by: owner)
      guard own + more <= limit else { throw .bodyShareExceeded(owner) }
      if isSmall, bytes + more <= Self.smallBody, state.small.take(more, for: owner) { return true }
      // What outgrows the reserve, or finds it full, is taken from the memory for large bodies as a whole.
      guard state.large.take(isSmall ? bytes + more : more, for: owner) else {
        throw own > bytes ? APIError.bodyShareExceeded(owner) : APIError.overloaded()
      }
      if isSmall { state.small.give(bytes, from: owner) }
      return false
    }
  }

  private func give(_ bytes: Int, of owner: Owner, isSmall: Bool) {
    state.withLock { state in
      if isSmall { state.small.give(bytes, from: owner) } else { state.large.give(bytes, from: owner) }
    }
  }

  /// What one request has reserved of the budget.
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

    deinit { budget.give(bytes, of: owner, isSmall: isSmall) }

    /// - Throws: 429 where the owner has its share, 503 where the budget has no room for `more` bytes.
    package mutating func take(_ more: Int) throws(APIError) {
      isSmall = try budget.take(more, of: owner, having: bytes, isSmall: isSmall)
      bytes += more
    }

    /// Gives back what is held, at the latest; without it that may be as soon as nothing more is taken.
    package consuming func release() {}
  }
}

/// Memory that many owners share.
private struct Pool {
  let size: Int
  private(set) var taken = 0
  private var owners: [BodyBudget.Owner: Int] = [:]

  init(size: Int) {
    self.size = size
  }

  func taken(by owner: BodyBudget.Owner) -> Int { owners[owner, default: 0] }

  /// Takes `bytes` unless the owner then held more than is left for the others.
  mutating func take(_ bytes: Int, for owner: BodyBudget.Owner) -> Bool {
    let own = taken(by: owner) + bytes
    guard own <= size - taken - bytes else { return false }
    taken += bytes
    owners[owner] = own
    return true
  }

  mutating func give(_ bytes: Int, from owner: BodyBudget.Owner) {
    taken -= bytes
    let left = taken(by: owner) - bytes
    owners[owner] = left == 0 ? nil : left
  }
}

extension APIError {
  fileprivate static func bodyShareExceeded(_ owner: BodyBudget.Owner, retryAfter seconds: Int = 1) -> APIError {
    let whose =
      switch owner {
      case .workspace: "this workspace"
      case .address: "this address"
      }
    return APIError(
      429,
      """
      The requests of \(whose) that are being received take all the memory that there is for its bodies; nothing was changed. Send fewer large \
      requests at once, and this one again in \(seconds) s.
      """,
      headers: [.retryAfter: "\(seconds)"])
  }
}
