import SCIM
import SCIMStorage

/// The URL under which the caller reaches SCIM, without a trailing slash: `https://app.example.com/api/v2/scim`.
///
/// It stands in `meta.location`, in `$ref` and in the `Location` header, so it is the host that was called.
package struct BaseURL: Sendable, Hashable {
  /// The URL.
  package let text: String

  /// - Parameter site: scheme and authority, `https://app.example.com`.
  init(site: String) {
    text = site + ResourcePath.base
  }

  /// The URL of a resource.
  package func location(_ kind: ResourceKind, _ id: String) -> String { "\(text)/\(kind.endpoint)/\(id)" }
}
