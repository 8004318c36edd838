/// How the identity provider at the other end departs from the RFCs.
public enum ConnectionProfile: String, Sendable, Hashable, CaseIterable {
  /// Recognised by how the sender names itself; whatever is known of any provider, where it does not say.
  case auto
  case okta
  case entra
  case onelogin
  /// Nothing is made up for: what the RFCs refuse is refused.
  case strict

  /// The profile that holds for a request: `auto` is settled by the request's `User-Agent`.
  public func recognised(userAgent: String?) -> ConnectionProfile {
    guard self == .auto, let sender = userAgent?.lowercased() else { return self }
    if sender.contains("okta") { return .okta }
    if sender.contains("onelogin") { return .onelogin }
    if ["azure", "entra", "microsoft"].contains(where: sender.contains) { return .entra }
    return .auto
  }

  /// The normalisations of the profile, in the order in which they are applied.
  public var normalisations: [Normalisation] {
    switch self {
    case .strict: []
    case .okta, .onelogin: Normalisation.everySender + Normalisation.last
    case .entra, .auto: Normalisation.everySender + Normalisation.entra + Normalisation.last
    }
  }
}
