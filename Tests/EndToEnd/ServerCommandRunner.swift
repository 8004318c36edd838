import ArgumentParser
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import ScimctlCommands

/// Runs `scimctl` with `--server` and a deployment-wide token, while its settings name a database and a Kafka cluster that do not answer.
final class ServerCommandRunner: Sendable {
  let deployment: Deployment
  /// The workspace of commands that name none.
  let slug: String
  /// The folder of files for the commands, and of the profiles.
  let folder: URL
  private let names = Mutex<Set<String>>([])
  /// The arguments that name the server and the token.
  let server: [String]
  private let settings: [String: String]

  init(_ deployment: Deployment, workspace slug: String) async throws {
    self.deployment = deployment
    self.slug = slug
    let scopes = ["admin", "directory", "events", "sign-ins"].flatMap { ["--scope", $0] }
    let printed = try await deployment.scimctl(["token", "issue", "--deployment", "--direct", "--name", "scimctl"] + scopes)
    let token = printed.trimmingCharacters(in: .whitespacesAndNewlines)
    server = ["--server", deployment.scimURL, "--token", token]
    folder = FileManager.default.temporaryDirectory.appendingPathComponent("rollcall-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    settings = [
      "ROLLCALL_DATABASE_URL": "postgres://nobody@127.0.0.1:1/none", "ROLLCALL_KAFKA": "127.0.0.1:1", "ROLLCALL_SCIM_URL": "",
      "XDG_CONFIG_HOME": folder.path,
    ]
  }

  /// The names of the commands that were run.
  var run: Set<String> { names.withLock { $0 } }

  /// Removes the files.
  func removeFiles() { try? FileManager.default.removeItem(at: folder) }

  /// Writes a file, and returns its path.
  func file(_ name: String, _ content: String) throws -> String {
    let path = folder.appendingPathComponent(name).path
    try content.write(toFile: path, atomically: true, encoding: .utf8)
    return path
  }

  /// Runs a command, and expects its exit status and a text in its output.
  ///
  /// - Parameters:
  ///   - name: The words of the command, such as `token list`.
  ///   - withServer: Whether the arguments name the server; otherwise a profile has to.
  /// - Returns: The standard output.
  @discardableResult
  func callAsFunction(
    _ name: String, _ arguments: [String] = [], printing text: String = "", status: Int32 = 0, withServer: Bool = true
  ) async throws -> String {
    _ = names.withLock { $0.insert(name) }
    let words = name.split(separator: " ").map(String.init)
    let result = try await deployment.scimctlResult(
      words + arguments + (withServer ? server : []), workspace: slug, settings: settings)
    let printed = result.output + result.errors
    #expect(result.status == status, "\(name): \(printed)")
    if !text.isEmpty { #expect(printed.contains(text), "\(name): \(printed)") }
    return result.output
  }

  /// Starts a command that runs until it is ended.
  func start(_ name: String, _ arguments: [String] = []) throws -> RunningCommand {
    _ = names.withLock { $0.insert(name) }
    let words = name.split(separator: " ").map(String.init)
    return try RunningCommand(
      words + arguments + server, environment: settings.merging(["ROLLCALL_WORKSPACE": slug]) { $1 },
      output: folder.appendingPathComponent("\(UUID().uuidString).txt"))
  }

  /// The JSON objects that a command prints with `--json`, one per line.
  func objects(_ name: String, _ arguments: [String] = []) async throws -> [[String: Any]] {
    try await self(name, arguments + ["--json"]).split(separator: "\n").map { line in
      try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any], "\(name): \(line)")
    }
  }

  /// The names of all commands without subcommands.
  static func allCommands(of command: any ParsableCommand.Type = Scimctl.self, named name: String = "") -> [String] {
    let subcommands = command.configuration.subcommands
    guard !subcommands.isEmpty else { return [name] }
    return subcommands.flatMap { allCommands(of: $0, named: (name.isEmpty ? "" : name + " ") + $0._commandName) }
  }
}
