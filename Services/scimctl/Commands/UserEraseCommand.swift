import ArgumentParser
import Foundation
import Models
import SCIM

/// `scimctl user erase ID`, which erases what remains of a deleted user.
struct EraseUser: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "erase", abstract: "Erase what remains of a deleted user: logged requests, invitations, events.",
    discussion: """
      This cannot be undone. The audit trail keeps who did what, with the id of the user as a pseudonym. The command waits until the data is \
      erased, about a minute. Messages on Kafka's topics remain until their retention ends.
      """)

  @OptionGroup var workspace: WorkspaceOption

  @Argument(help: "The id of the deleted user, as 'scimctl receipt list' and the audit trail show it.")
  var id: String

  @Flag(help: "Confirm that the data is to be erased.")
  var yes = false

  func validate() throws {
    guard UserID(id) != nil else { throw ValidationError("'\(id)' is not the id of a user.") }
    guard yes else { throw ValidationError("This cannot be undone. Repeat the command with --yes to erase what remains of \(id).") }
  }

  func run() async throws {
    try await withServer(for: "user erase") { server in
      let workspace = try await server.workspace(workspace)
      let path = APIPath.workspace("\(workspace.id)", "members", id, "erasure")
      var erasure: ErasureStatus = try await server.client.post(path).decoded(as: "erasure")
      let deadline = ContinuousClock.now + .seconds(600)
      while erasure.finishedAt == nil {
        if let problem = erasure.problem { throw ScimctlError(.temporary, "the erasure failed and will be repeated: \(problem)") }
        guard .now < deadline else {
          throw ScimctlError(.temporary, "the erasure is not finished yet; it goes on. Run the command again to see the result")
        }
        try await Task.sleep(for: .seconds(2))
        erasure = try await server.client.get(path).decoded(as: "erasure")
      }
      for line in erasure.lines { print(line) }
    }
  }
}

/// The erasure of a user, as the management API returns it.
struct ErasureStatus: Decodable, Equatable, Sendable {
  var finishedAt: String?
  var problem: String?
  /// The numbers of erased rows, by schema and kind.
  var erased: [String: [String: Int]]?
  var topicRetention: String

  /// What was erased, a line for each kind, and what remains.
  var lines: [String] {
    let counts = (erased ?? [:]).sorted { $0.key < $1.key }.flatMap { schema, kinds in
      kinds.sorted { $0.key < $1.key }.map { kind, count in "\(schema) \(kind): \(count)" }
    }
    return counts + [topicRetention]
  }
}
