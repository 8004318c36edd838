/// The profile of a connection: the set of normalisations for its identity provider.
public enum ConnectionProfile: String, Sendable, Hashable, CaseIterable {
  /// Detects the identity provider by its `User-Agent`; applies all normalisations if it is not recognised.
  case auto
  /// Okta.
  case okta
  /// Microsoft Entra ID.
  case entra
  /// OneLogin.
  case onelogin
  /// No normalisations: requests must follow the RFCs.
  case strict

  /// Returns the profile for a request; `auto` is replaced by the profile that the `User-Agent` indicates.
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
