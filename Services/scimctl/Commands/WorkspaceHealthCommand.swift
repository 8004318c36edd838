import ArgumentParser
import Foundation
import Models

/// `scimctl workspace health SLUG`, which shows how the identity provider's requests fare.
struct ShowWorkspaceHealth: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "health", abstract: "Show whether a workspace can use SCIM, its senders, and why requests failed.",
    discussion: """
      Needs the management API. Senders: status of the last requests, requests and failures of a day, last request, token. Failures of a \
      week: cause, number, last time, summary.
      """)

  @Argument(help: "The workspace's slug.")
  var slug: String

  @OptionGroup var output: OutputOption

  func run() async throws {
    try await withServer(for: "workspace health") { server in
      let response = try await server.client.get(.workspace(slug, "health"))
      if output.json { return OutputOption.print(try response.json()) }
      let health: WorkspaceHealth = try response.decoded(as: "health of a workspace")
      health.description.print()
      health.senderTable.print()
      health.failureTable.print()
    }
  }
}

/// The health of a workspace, in the form of the management API.
struct WorkspaceHealth: Sendable, Equatable, Decodable {
  /// Requests and failures in a period.
  struct Count: Sendable, Equatable, Decodable {
    var requests: Int
    var failures: Int
  }

  /// An identity provider that sends requests with one token.
  struct Sender: Sendable, Equatable, Decodable {
    var status: String
    var tokenName: String?
    var isRevoked: Bool
    var identityProvider: String?
    var lastRequestAt: Date?
    var day: Count
  }

  /// The failures with one cause.
  struct Failures: Sendable, Equatable, Decodable {
    var cause: String
    var summary: String
    var count: Int
    var lastAt: Date
  }

  var isOpen: Bool
  /// What keeps the workspace from using SCIM.
  var obstacle: String?
  var lastRequestAt: Date?
  var pendingHeldChanges: Int
  var senders: [Sender]
  var failures: [Failures]

  /// One property per line.
  var description: Table {
    var table = Table()
    table.append(["scim", isOpen ? "open" : "not usable: \(obstacle ?? "unknown")"])
    table.append(["last-request", lastRequestAt.map(Timestamp.text)])
    table.append(["pending-held-changes", "\(pendingHeldChanges)"])
    return table
  }

  /// One row per sender.
  var senderTable: Table {
    var table = Table("STATUS", "REQUESTS", "FAILURES", "LAST REQUEST", "IDENTITY PROVIDER", "TOKEN")
    for sender in senders {
      table.append([
        sender.status, "\(sender.day.requests)", "\(sender.day.failures)", sender.lastRequestAt.map(Timestamp.text),
        sender.identityProvider, sender.tokenName.map { sender.isRevoked ? "\($0) (revoked)" : $0 },
      ])
    }
    return table
  }

  /// One row per cause.
  var failureTable: Table {
    var table = Table("CAUSE", "FAILURES", "LAST", "SUMMARY")
    for failure in failures {
      table.append([failure.cause, "\(failure.count)", Timestamp.text(failure.lastAt), failure.summary])
    }
    return table
  }
}
