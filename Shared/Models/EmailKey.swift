import Primitives

/// The lookup key of a user's additional email addresses: the id of the workspace and the comparison key of the address.
///
/// The address that mail is sent to has its own column. identity-store writes the keys, and scim-api searches for them.
public enum EmailKey {
  /// Index entries have a size limit, addresses do not.
  private static let maximumLength = 200

  /// The key of an address, at most 200 Unicode scalars after the workspace id.
  public static func text(_ email: String, in workspace: WorkspaceID) -> String {
    var text = "\(workspace) "
    text.unicodeScalars.append(contentsOf: ComparisonKey(email).text.unicodeScalars.prefix(maximumLength))
    return text
  }
}
