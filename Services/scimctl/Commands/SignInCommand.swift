import ArgumentParser
import Foundation
import Kafka
import Models
import ServiceKit

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
    let settings = try await Settings.forWriting()
    let signedInAt = Date.now
    let (slug, outcome) = try await withDatabase(settings) { pool in
      let workspace = try await workspace.resolve(settings, on: pool)
      let signIn = SignIn(workspace: workspace.id, email: email, user: nil, signedInAt: signedInAt, method: "scimctl")
      let outcome = try await withCommandClient(settings, pool: pool) { try await $0.outcome(of: .promoteUser(signIn), in: workspace.id) }
      try CommandClient.check(outcome)
      if case .signIn(.alreadyActive, _) = outcome { try await Self.publish(signIn, settings) }
      return (workspace.settings.slug, outcome)
    }
    guard case .signIn(let signIn, _) = outcome else {
      // An earlier version of identity-store does not return the outcome.
      return print("Workspace \(slug): the sign-in of \(email) is recorded")
    }
    print(try Self.message(for: signIn, of: email, in: slug))
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

  /// Publishes the sign-in of an active user. The mailer stores the time of the last sign-in, which the console shows.
  private static func publish(_ signIn: SignIn, _ settings: ServiceSettings) async throws {
    let kafka = try await KafkaConnection.open(settings, topics: [.signInEvents])
    let event = try signIn.cloudEvent(
      id: "\(Identifier<SignIn>.made(at: signIn.signedInAt))", source: "scimctl", time: signIn.signedInAt, traceparent: nil)
    try await kafka.send(OutgoingMessage(event, topic: .signInEvents, key: signIn.workspace.description))
  }
}
