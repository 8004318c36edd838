import SCIM
import SCIMStorage

/// The SCIM base URL as the caller uses it, without a trailing slash: `https://app.example.com/api/v2/scim`.
///
/// `meta.location`, `$ref` and the `Location` header begin with it, so its host is the one that was called.
package struct BaseURL: Sendable, Hashable {
  /// The URL.
  package let text: String

  /// - Parameter site: the scheme and authority, such as `https://app.example.com`.
  init(site: String) {
    text = site + ResourcePath.base
  }

  /// The URL of a resource.
  package func location(_ kind: ResourceKind, _ id: String) -> String { "\(text)/\(kind.endpoint)/\(id)" }
}
