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
      Commands use the management API of a server, with a token of scope admin: --server URL and --token, else ROLLCALL_SERVER and \
      ROLLCALL_TOKEN, else the profile of 'scimctl login'. The audit trail then names the token.

      With --direct, or if only ROLLCALL_DATABASE_URL is set, they use the database, and ROLLCALL_KAFKA (with ROLLCALL_KAFKA_PROPERTIES) \
      for changes. 'migrate', 'recover', 'dead-letters' and 'doctor --deep' always do. The audit trail then names you: the value of --as, \
      else ROLLCALL_OPERATOR, else your login name.

      Settings are read from the environment, or from the JSON file in ROLLCALL_CONFIG_FILE. ROLLCALL_WORKSPACE is the default for \
      --workspace. Lists and 'show' commands print JSON with --json. Headings of tables are printed to standard error if standard output is \
      not a terminal.
      """,
    version: "scimctl \(BuildVersion.description)",
    subcommands: [
      MigrateCommand.self, WorkspaceCommands.self, TokenCommands.self, OAuthClientCommands.self, UserCommands.self, GroupCommands.self,
      InvitationCommands.self, SignInCommand.self, WebhookCommands.self, EventCommands.self,
      ConsoleCommands.self, HeldCommands.self, LogCommands.self, AuditCommands.self, DoctorCommand.self, TopCommand.self,
      DirectoryCommands.self, RebuildCommand.self, RecoverCommand.self, DeadLetterCommands.self,
      ReceiptCommands.self, LoginCommand.self, ProfileCommands.self, SettingsCommand.self,
    ])

  @OptionGroup(title: "Options of every command")
  var global: GlobalOptions

  /// Creates an empty command; the argument parser sets its options.
  package init() {}

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
      GlobalOptions.select(from: Array(CommandLine.arguments.dropFirst()))
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
