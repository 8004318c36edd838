import ArgumentParser
import Foundation
import Models
import SCIM

/// `scimctl user export WHO`, which prints everything that is known about a user.
struct ExportUser: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export", abstract: "Print everything that is known about a user as JSON, one object per line.",
    discussion: """
      The user, groups, the product's account, invitations, sign-ins, held changes, receipts, requests of the identity provider with their \
      bodies, events and the audit trail; also of a deleted user, by id. The last line counts the others by type.
      """)

  @OptionGroup var workspace: WorkspaceOption
  @OptionGroup var user: UserArgument

  func run() async throws {
    try await withServer(for: "user export") { server in
      let workspace = try await server.workspace(workspace)
      // A deleted user is found by id only.
      let id: UserID
      if let given = UserID(user.who) { id = given } else { id = try await server.user(user.who, in: workspace).id }
      var request = ManagementRequest(.get, .workspace("\(workspace.id)", "members", "\(id)", "export"))
      request.timeout = .seconds(300)
      var lines = ExportLines()
      try await server.client.stream(request) { part in
        FileHandle.standardOutput.write(Data(part))
        lines.read(part)
      }
      guard lines.isComplete else {
        throw ScimctlError(.temporary, "the connection ended before the end of the export, which is incomplete: run the command again")
      }
    }
  }
}

/// The last line of an export, by which a truncated one is recognised.
struct ExportLines: Sendable {
  private var line: [UInt8] = []
  private var last: [UInt8] = []

  /// Whether the last complete line is the one that ends an export.
  var isComplete: Bool {
    guard line.isEmpty else { return false }
    do { return try JSON(parsing: last).object?["type"]?.string == "end" } catch { return false }
  }

  /// Reads a part of the response.
  mutating func read(_ part: [UInt8]) {
    for byte in part {
      guard byte == UInt8(ascii: "\n") else {
        line.append(byte)
        continue
      }
      last = line
      line = []
    }
  }
}
