import Primitives

/// What one of a user's e-mail addresses is found by, beside the one that mail goes to, which has a column of its own: the workspace's id
/// and the comparison key of the address. Both identity-store, which writes it, and scim-api, which looks it up, take it from here.
public enum EmailKey {
  /// Index entries are bounded, and addresses are not.
  private static let maximumLength = 200

  public static func text(_ email: String, in workspace: WorkspaceID) -> String {
    var text = "\(workspace) "
    text.unicodeScalars.append(contentsOf: ComparisonKey(email).text.unicodeScalars.prefix(maximumLength))
    return text
  }
}
