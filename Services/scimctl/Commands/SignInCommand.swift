import ArgumentParser
import Foundation
import Models

/// `scimctl sign-in EMAIL`, which reports a sign-in.
struct SignInCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sign-in", abstract: "Report a sign-in, as the product's sign-in service does, and print the outcome.",
    discussion: """
      An invited user becomes active. A sign-in with an unknown address is remembered for 30 days: a user who is provisioned with it in that \
      time starts active. A disabled user stays disabled, and the exit status is 65. The audit trail records the sign-in.
      """)

  @OptionGroup var workspace: WorkspaceOption

  @Argument(help: "The email address of the user.")
  var email: String

  func validate() throws {
    guard email.contains("@"), !email.contains(where: \.isWhitespace) else {
      throw ValidationError("'\(email)' is not an email address.")
    }
    guard email.utf8.count <= TextBounds.name else {
      throw ValidationError("An email address may have at most \(TextBounds.name) bytes; this one has \(email.utf8.count).")
    }
  }

  func run() async throws {
    let signedInAt = Date.now
    try await withAdministration { administration in
      let workspace = try await administration.workspace(workspace)
      let slug = workspace.settings.slug
      if let outcome = try await administration.reportSignIn(of: email, at: signedInAt, in: workspace) {
        print(try Self.message(for: outcome, of: email, in: slug))
      } else {
        print("Workspace \(slug): the sign-in of \(email) is recorded")
      }
    }
  }

  /// The message about the outcome of a sign-in.
  ///
  /// - Throws: ``ScimctlError`` if the user is disabled.
  static func message(for outcome: SignInOutcome, of email: String, in slug: String) throws(ScimctlError) -> String {
    switch outcome {
    case .promoted: return "Workspace \(slug): \(email) signed in and is active now"
    case .alreadyActive: return "Workspace \(slug): \(email) signed in and was active already"
    case .remembered, .unknownUser:
      return """
        Workspace \(slug): no user has the address \(email). The sign-in is remembered for 30 days: a user who is provisioned with it in \
        that time starts active
        """
    case .disabled:
      throw ScimctlError(
        .rejected, "workspace \(slug): \(email) is disabled and stays disabled. Enable the user in the identity provider first")
    }
  }
}
