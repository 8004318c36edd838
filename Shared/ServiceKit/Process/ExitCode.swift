import Foundation
import Migrations
import Postgres

/// The exit code of a service's process. Codes above 1 are those of sysexits.h.
enum ExitCode: Int32 {
  case success = 0
  /// The process failed while it was running.
  case failure = 1
  /// Wrong arguments.
  case usage = 64
  /// Wrong settings, or a schema of another version.
  case configuration = 78

  /// The exit code for an error.
  init(_ error: any Error) {
    switch error {
    case is SettingsError, is SchemaMismatch: self = .configuration
    case let error as PostgresError where error.isConfigurationError: self = .configuration
    default: self = .failure
    }
  }

  /// Exits the process immediately.
  func exitProcess() -> Never {
    exit(rawValue)
  }
}

extension PostgresError {
  /// Whether the connection string is invalid, as opposed to an error of the server.
  var isConfigurationError: Bool { sqlState.isEmpty && !isTransient }
}
