import Foundation
import Kafka
import Models
import SCIM

/// Reports sign-ins.
protocol SignInAdministration: Sendable {
  /// Reports a sign-in, and waits for its outcome.
  ///
  /// - Returns: The outcome; nil if the sign-in is stored and processed later.
  func reportSignIn(of email: String, at time: Date, in workspace: StoredWorkspace) async throws -> SignInOutcome?
}

/// The `method` of sign-ins that scimctl reports.
private let reportedMethod = "scimctl"

extension DirectAdministration: SignInAdministration {
  func reportSignIn(of email: String, at time: Date, in workspace: StoredWorkspace) async throws -> SignInOutcome? {
    let signIn = SignIn(workspace: workspace.id, email: email, user: nil, signedInAt: time, method: reportedMethod)
    let settings = try await Settings.forWriting()
    let outcome = try await withCommandClient(settings, pool: pool) { try await $0.outcome(of: .promoteUser(signIn), in: workspace.id) }
    try CommandClient.check(outcome)
    // An earlier version of identity-store does not return the outcome.
    guard case .signIn(let result, _) = outcome else { return nil }
    if result == .alreadyActive { try await publish(signIn) }
    return result
  }

  /// Publishes the sign-in of an active user. The mailer stores the time of the last sign-in, which the console shows.
  private func publish(_ signIn: SignIn) async throws {
    let kafka = try await KafkaConnection.open(try await Settings.forWriting(), topics: [.signInEvents])
    let event = try signIn.cloudEvent(
      id: "\(Identifier<SignIn>.made(at: signIn.signedInAt))", source: "scimctl", time: signIn.signedInAt, traceparent: nil)
    try await kafka.send(OutgoingMessage(event, topic: .signInEvents, key: signIn.workspace.description))
  }
}

extension ServerAdministration: SignInAdministration {
  func reportSignIn(of email: String, at time: Date, in workspace: StoredWorkspace) async throws -> SignInOutcome? {
    let body: JSONObject = [
      "email": .string(email), "signedInAt": .string(Timestamp.text(time)), "method": .string(reportedMethod),
    ]
    var request = ManagementRequest(.post, .api("sign-ins"), json: body)
    request.headers = [(name: "rollcall-workspace", value: "\(workspace.id)"), (name: "prefer", value: "wait=\(Self.outcomeSeconds)")]
    let response = try await client.send(request)
    guard response.status == 200 else { return nil }
    switch try response.json().object?["outcome"]?.string {
    case "promoted"?: return .promoted
    case "already-active"?: return .alreadyActive
    case "remembered"?: return .remembered
    case "disabled"?: return .disabled
    case "unknown"?: return .unknownUser
    default: return nil
    }
  }

  /// How long the server waits for the outcome, in seconds.
  private static let outcomeSeconds = 10
}
