import Foundation
import Models

/// The rotation schedule of signing keys.
public struct KeySchedule: Sendable {
  /// How long a key signs tokens, in seconds.
  public var lifetime: TimeInterval
  /// How long a key is published before it signs, in seconds. The very first key signs immediately.
  public var lead: TimeInterval
  /// The maximum lifetime of a signed token, clock tolerance included, in seconds.
  public var maximumTokenLifetime: TimeInterval

  /// Creates a schedule; all times are in seconds.
  public init(lifetime: TimeInterval, lead: TimeInterval = 600, maximumTokenLifetime: TimeInterval = 3600 + 60) {
    self.lifetime = lifetime
    self.lead = lead
    self.maximumTokenLifetime = maximumTokenLifetime
  }

  /// The term of the key that must be created now.
  ///
  /// - Parameter terms: The terms of the existing keys.
  /// - Returns: nil if the existing keys suffice.
  public func nextTerm(after terms: some Sequence<SigningKey.Term>, at now: Date) -> SigningKey.Term? {
    let retirement = terms.map(\.retiresAt).filter { $0 > now }.max()
    if let retirement, retirement > now + lead { return nil }
    let signsAt = retirement ?? now
    let retiresAt = signsAt + lifetime
    return SigningKey.Term(createdAt: now, signsAt: signsAt, retiresAt: retiresAt, expiresAt: retiresAt + maximumTokenLifetime)
  }
}
