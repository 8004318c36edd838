import ArgumentParser
import Foundation
import Logging
import ServiceKit

/// The operator's command.
package struct Scimctl: AsyncParsableCommand {
  package static let configuration = CommandConfiguration(
    commandName: "scimctl",
    abstract: "Sets Rollcall up and shows what it holds.",
    discussion: """
      Settings come from the environment, or from the JSON file that ROLLCALL_CONFIG_FILE names, as those of the services do: \
      ROLLCALL_DATABASE_URL for everything, ROLLCALL_KAFKA (and ROLLCALL_KAFKA_PROPERTIES) for what changes something, and \
      ROLLCALL_WORKSPACE in place of --workspace.

      The audit trail records every change with its operator's name: --as NAME, which every command takes, or ROLLCALL_OPERATOR, else \
      your login name.
      """,
    version: "scimctl \(ServiceProcess.version)",
    subcommands: [
      Migrate.self, WorkspaceCommands.self, TokenCommands.self, OAuthClientCommands.self, UserCommands.self, GroupCommands.self,
      InvitationCommands.self, SignInCommand.self,
      ConsoleCommands.self, HeldCommands.self, LogCommands.self, AuditCommands.self, Doctor.self,
      DirectoryCommands.self, Rebuild.self, DeadLetterCommands.self,
      ReceiptCommands.self, SettingsCommand.self,
    ])

  @Option(name: .customLong("as"), help: "Who you are, for the audit trail. (default: ROLLCALL_OPERATOR, else your login name)")
  var operatorName: String?

  package init() {}

  package func validate() throws {
    if let fault = operatorName.flatMap(Operator.fault) { throw ValidationError("--as \(fault).") }
  }

  /// Runs the command that the arguments name. A failure is one line on standard error, and an exit status of `sysexits.h`.
  package static func execute() async {
    LoggingSystem.bootstrap { label in
      var handler = StreamLogHandler.standardError(label: label)
      handler.logLevel = .warning
      return handler
    }
    do {
      var command = try await asyncParseAsRoot()
      Operator.choose(from: Array(CommandLine.arguments.dropFirst()))
      if var asynchronous = command as? any AsyncParsableCommand {
        try await asynchronous.run()
      } else {
        try command.run()
      }
    } catch {
      guard let failure = Failure(reporting: error) else { exit(withError: error) }
      FileHandle.standardError.write(Data("scimctl: \(failure.message)\n".utf8))
      Foundation.exit(failure.status.rawValue)
    }
  }
}
