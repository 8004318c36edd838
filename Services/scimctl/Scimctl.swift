import ArgumentParser
import Foundation
import Logging
import ServiceKit

/// `scimctl`, the operator's command-line tool.
package struct Scimctl: AsyncParsableCommand {
  /// The name, help and subcommands.
  package static let configuration = CommandConfiguration(
    commandName: "scimctl",
    abstract: "Set up, inspect and repair a Rollcall deployment.",
    discussion: """
      Settings are read from the environment, or from the JSON file in ROLLCALL_CONFIG_FILE, like those of the services. Every command \
      needs ROLLCALL_DATABASE_URL; commands that change something also need ROLLCALL_KAFKA (and ROLLCALL_KAFKA_PROPERTIES). \
      ROLLCALL_WORKSPACE is the default for --workspace.

      The audit trail records every change with the operator's name: the value of --as, which every command accepts, else \
      ROLLCALL_OPERATOR, else your login name.
      """,
    version: "scimctl \(BuildVersion.description)",
    subcommands: [
      MigrateCommand.self, WorkspaceCommands.self, TokenCommands.self, OAuthClientCommands.self, UserCommands.self, GroupCommands.self,
      InvitationCommands.self, SignInCommand.self,
      ConsoleCommands.self, HeldCommands.self, LogCommands.self, AuditCommands.self, DoctorCommand.self,
      DirectoryCommands.self, RebuildCommand.self, DeadLetterCommands.self,
      ReceiptCommands.self, SettingsCommand.self,
    ])

  @Option(name: .customLong("as"), help: "Your name in the audit trail. (default: ROLLCALL_OPERATOR, else your login name)")
  var operatorName: String?

  /// Creates an empty command; the argument parser sets its options.
  package init() {}

  /// Checks the value of `--as`.
  package func validate() throws {
    if let fault = operatorName.flatMap(Operator.fault) { throw ValidationError("--as \(fault).") }
  }

  /// Runs the command in the process's arguments.
  ///
  /// An error is printed as one line on standard error, and the exit status is one of `sysexits.h`.
  package static func execute() async {
    LoggingSystem.bootstrap { label in
      var handler = StreamLogHandler.standardError(label: label)
      handler.logLevel = .warning
      return handler
    }
    do {
      var command = try await asyncParseAsRoot()
      Operator.select(from: Array(CommandLine.arguments.dropFirst()))
      if var asynchronous = command as? any AsyncParsableCommand {
        try await asynchronous.run()
      } else {
        try command.run()
      }
    } catch {
      guard let reported = ScimctlError(reporting: error) else { exit(withError: error) }
      StandardError.print("scimctl: \(reported.message)")
      Foundation.exit(reported.status.rawValue)
    }
  }
}
