import ArgumentParser
import Foundation
import Kafka
import Models
import ServiceKit

/// `scimctl sign-in EMAIL`
struct SignInCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sign-in", abstract: "Report a sign-in, as the product's sign-in service does, and print the outcome.",
    discussion: """
      An invited user becomes active. A sign-in with an unknown address is remembered for 30 days: a user who is provisioned with it by \
      then starts active. A disabled user stays disabled, and the exit status is 65. The audit trail records the sign-in.
      """)

  @OptionGroup var workspace: WorkspaceOption

  @Argument(help: "The person's email.")
  var email: String

  func validate() throws {
    guard email.contains("@"), !email.contains(where: \.isWhitespace) else {
      throw ValidationError("'\(email)' is no email address.")
    }
    guard email.utf8.count <= TextBounds.name else {
      throw ValidationError("An email address has at most \(TextBounds.name) bytes; this one has \(email.utf8.count).")
    }
  }

  func run() async throws {
    let settings = try await Settings.forWriting()
    let signedInAt = Date.now
    let (slug, outcome) = try await withDatabase(settings) { pool in
      let workspace = try await workspace.resolve(settings, on: pool)
      let signIn = SignIn(workspace: workspace.id, email: email, user: nil, signedInAt: signedInAt, method: "scimctl")
      let store = try await CommandClient(settings, pool: pool)
      let outcome = try await store.outcome(of: .promoteUser(signIn), in: workspace.id)
      try CommandClient.check(outcome)
      if case .signIn(.alreadyActive) = outcome { try await Self.tellMailer(signIn, settings) }
      return (workspace.settings.slug, outcome)
    }
    guard case .signIn(let signIn) = outcome else {
      // An identity-store of an earlier version does not say.
      return print("Workspace \(slug): the sign-in of \(email) is recorded")
    }
    print(try Self.words(for: signIn, of: email, in: slug))
  }

  /// What became of it, in words.
  ///
  /// - Throws: ``Failure`` where the person may not sign in.
  static func words(for outcome: SignInOutcome, of email: String, in slug: String) throws(Failure) -> String {
    switch outcome {
    case .promoted: return "Workspace \(slug): \(email) signed in, and is active now"
    case .alreadyActive: return "Workspace \(slug): \(email) signed in; they were active already"
    case .remembered, .unknownUser:
      return """
        Workspace \(slug): no user has the address \(email). The sign-in is remembered for 30 days: a user who is provisioned with it by \
        then starts active
        """
    case .disabled:
      throw Failure(
        .refused, "workspace \(slug): \(email) is disabled and stays disabled. Enable the user in the identity provider first")
    }
  }

  /// The mailer keeps when active people last signed in, which the console shows.
  private static func tellMailer(_ signIn: SignIn, _ settings: ServiceSettings) async throws {
    let brokers = try await Brokers.reached(settings, topics: [.signInEvents])
    let event = try signIn.cloudEvent(
      id: "\(Identifier<SignIn>.made(at: signIn.signedInAt))", source: "scimctl", time: signIn.signedInAt, traceparent: nil)
    try await brokers.send(OutgoingMessage(event, topic: .signInEvents, key: signIn.key))
  }
}
