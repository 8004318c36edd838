import Primitives

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
    guard self == .auto, let userAgent else { return self }
    if ASCIISearch.contains("okta", in: userAgent) { return .okta }
    if ASCIISearch.contains("onelogin", in: userAgent) { return .onelogin }
    if ASCIISearch.containsAny(of: ["azure", "entra", "microsoft"], in: userAgent) { return .entra }
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
