import Foundation
import SCIM

/// What a deployment does at the moment, for `scimctl top`.
struct DeploymentActivity: Sendable, Equatable {
  /// The requests of a workspace within the window, according to the provisioning log: writes, failed requests, and samples of reads.
  struct WorkspaceRequests: Sendable, Equatable, Decodable {
    var slug: String
    var requests: Int
    /// Those with a status of 4xx or 5xx.
    var failed: Int
    /// Those that a limit rejected, or that could not be processed at the moment: 429 and 503.
    var rejected: Int
    /// The duration of the slowest.
    var slowestMilliseconds: Int
  }

  /// The messages that a consumer group has not committed.
  struct Lag: Sendable, Equatable {
    var group: String
    var messages: Int64
  }

  /// A statement that PostgreSQL executes.
  struct RunningStatement: Sendable, Equatable {
    /// The name of the process: `identity-store-0`.
    var process: String
    var milliseconds: Int
    var text: String
  }

  var at: Date
  /// The length of the window, in seconds.
  var window: Int
  /// The busiest first.
  var workspaces: [WorkspaceRequests]
  /// Nil through a server.
  var lags: [Lag]?
  /// The longest first; nil through a server.
  var statements: [RunningStatement]?
  /// The number of events that identity-store has not published yet; nil with the database, where the lags say more.
  var waitingEvents: Int?

  /// The text output.
  var lines: [String] {
    var busiest = Table("WORKSPACE", "REQUESTS/S", "FAILED", "REJECTED", "SLOWEST")
    for workspace in workspaces {
      busiest.append([
        workspace.slug, String(format: "%.1f", Double(workspace.requests) / Double(window)), "\(workspace.failed)", "\(workspace.rejected)",
        "\(workspace.slowestMilliseconds) ms",
      ])
    }
    var lines = Self.section(busiest, ifEmpty: "no requests within \(window) s")
    if let lags {
      var groups = Table("GROUP", "LAG")
      for lag in lags { groups.append([lag.group, "\(lag.messages)"]) }
      lines += Self.section(groups, ifEmpty: "no consumer groups")
    }
    if let statements {
      var running = Table("PROCESS", "TIME", "STATEMENT")
      for statement in statements { running.append([statement.process, "\(statement.milliseconds) ms", statement.text]) }
      lines += Self.section(running, ifEmpty: "no statements are running")
    }
    if let waitingEvents { lines += ["\(waitingEvents) events wait to be published"] }
    return lines
  }

  /// The lines of a table with its headings, and an empty line.
  private static func section(_ table: Table, ifEmpty text: String) -> [String] {
    guard !table.isEmpty, let heading = table.heading else { return [text, ""] }
    return [heading] + table.lines + [""]
  }

  /// The JSON output: one object.
  var json: String {
    var object: JSONObject = [
      "at": .string(at.formatted(.iso8601)), "windowSeconds": .integer(Int64(window)),
      "workspaces": .array(
        workspaces.map { workspace in
          .object([
            "slug": .string(workspace.slug), "requests": .integer(Int64(workspace.requests)), "failed": .integer(Int64(workspace.failed)),
            "rejected": .integer(Int64(workspace.rejected)), "slowestMilliseconds": .integer(Int64(workspace.slowestMilliseconds)),
          ])
        }),
    ]
    if let lags {
      object["lags"] = .array(lags.map { .object(["group": .string($0.group), "messages": .integer($0.messages)]) })
    }
    if let statements {
      object["statements"] = .array(
        statements.map { statement in
          .object([
            "process": .string(statement.process), "milliseconds": .integer(Int64(statement.milliseconds)), "text": .string(statement.text),
          ])
        })
    }
    if let waitingEvents { object["waitingEvents"] = .integer(Int64(waitingEvents)) }
    return String(decoding: object.serialized(), as: UTF8.self)
  }
}

extension DeploymentActivity: Decodable {
  private enum CodingKeys: String, CodingKey { case at, windowSeconds, workspaces, waitingEvents }

  /// Reads the activity in the form of the management API.
  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      at: try container.decode(Date.self, forKey: .at), window: try container.decode(Int.self, forKey: .windowSeconds),
      workspaces: try container.decode([WorkspaceRequests].self, forKey: .workspaces),
      waitingEvents: try container.decode(Int.self, forKey: .waitingEvents))
  }
}
