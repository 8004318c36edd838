import ArgumentParser
import Foundation
import Kafka
import Models

/// `scimctl sign-in EMAIL`
struct SignInCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sign-in", abstract: "Say that a person signed in, as the product's sign-in service does. For trying things out.")

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
    let chosen = try await withDatabase(settings) { try await workspace.resolve(settings, on: $0) }
    let now = Date.now
    let signIn = SignIn(workspace: chosen.id, email: email, user: nil, signedInAt: now, method: "scimctl")
    let event = try signIn.cloudEvent(id: "\(Identifier<SignIn>.made(at: now))", source: "scimctl", time: now, traceparent: nil)
    let brokers = try await Brokers.reached(settings, topics: [.signInEvents])
    try await brokers.send(OutgoingMessage(event, topic: .signInEvents, key: signIn.key))
    print("\(email) signed in to \(chosen.settings.slug)")
  }
}
