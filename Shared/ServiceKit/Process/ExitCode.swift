import Foundation
import Migrations
import Postgres

/// What the process tells whoever started it; sysexits.h has the numbers.
enum ExitCode: Int32 {
  case success = 0
  case failure = 1
  case usage = 64
  case configuration = 78

  /// The code of a process that ends with `error`.
  init(_ error: any Error) {
    switch error {
    case is SettingsError, is SchemaMismatch: self = .configuration
    case let error as PostgresError where error.isOfConfiguration: self = .configuration
    default: self = .failure
    }
  }

  /// Ends the process, with no more ado.
  func exitProcess() -> Never {
    exit(rawValue)
  }
}

extension PostgresError {
  /// Whether the cause is what libpq was configured with, and no server's answer.
  var isOfConfiguration: Bool { sqlState.isEmpty && !isTransient }
}
