import Foundation
import Models

/// Decides when keys are made and forgotten.
public struct KeySchedule: Sendable {
  /// How long a key signs, in seconds.
  public var lifetime: TimeInterval
  /// How long it is published before it signs, in seconds; the first key of all has to sign at once.
  public var lead: TimeInterval
  /// How long what it signs is good, at most, in seconds.
  public var longestToken: TimeInterval

  public init(lifetime: TimeInterval, lead: TimeInterval = 600, longestToken: TimeInterval = 3600 + 60) {
    self.lifetime = lifetime
    self.lead = lead
    self.longestToken = longestToken
  }

  /// The term of the key that has to be made now; nil where those there are will do.
  public func nextTerm(after terms: some Sequence<SigningKey.Term>, at now: Date) -> SigningKey.Term? {
    let retirement = terms.map(\.retiresAt).filter { $0 > now }.max()
    if let retirement, retirement > now + lead { return nil }
    let signsAt = retirement ?? now
    let retiresAt = signsAt + lifetime
    return SigningKey.Term(createdAt: now, signsAt: signsAt, retiresAt: retiresAt, expiresAt: retiresAt + longestToken)
  }
}
