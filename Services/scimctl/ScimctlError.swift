import Foundation
import Kafka
import Migrations
import Models
import Postgres
import ServiceKit

/// An error that ends scimctl: one line for the operator, and the exit status.
struct ScimctlError: Error, Sendable, Equatable {
  /// The exit status.
  var status: Status
  /// One line that says what is wrong and what to do.
  var message: String

  /// Line breaks in `message` are replaced, so that it stays one line.
  init(_ status: Status, _ message: String) {
    self.status = status
    self.message = message.split(whereSeparator: \.isNewline).map { $0.trimmingCharacters(in: .whitespaces) }.joined(separator: "; ")
  }

  /// Exit statuses as in `sysexits.h`.
  enum Status: Int32, Sendable {
    /// An argument is missing. The argument parser uses the same status for invalid arguments.
    case usage = 64
    /// identity-store rejected the command.
    case rejected = 65
    /// The resource that the command names does not exist.
    case notFound = 66
    /// PostgreSQL, Kafka or identity-store does not answer.
    case unavailable = 69
    /// A defect, or an unexpected error.
    case `internal` = 70
    /// The resource to create exists already.
    case alreadyExists = 73
    /// The same command may succeed a little later.
    case temporary = 75
    /// The database role lacks a permission.
    case permissionDenied = 77
    /// A setting is missing or malformed, or the database is not migrated.
    case configuration = 78
  }
}

extension ScimctlError {
  /// Converts an error to one that scimctl reports; nil for errors of the argument parser.
  init?(reporting error: any Error) {
    switch error {
    case let failure as ScimctlError: self = failure
    case let problem as ServerProblem: self.init(problem, from: "the server")
    case let error as SettingsError: self.init(.configuration, "\(error)")
    case let error as PostgresError: self.init(error)
    case let error as SchemaMismatch: self.init(.configuration, "\(error)")
    case let error as MigrationBlocked: self.init(.temporary, "\(error)")
    case let error as MigrationError: self.init(.internal, "the migration was rolled back: \(error)")
    case let error as KafkaError where error.code == .configuration:
      self.init(.configuration, "\(error); see ROLLCALL_KAFKA and ROLLCALL_KAFKA_PROPERTIES")
    case let error as KafkaError where error.isAboutMessage:
      self.init(.rejected, "\(error). The message is larger than the topic allows: send less at once, or raise max.message.bytes")
    case let error as KafkaError:
      self.init(.unavailable, "\(error). Is Kafka running, and is ROLLCALL_KAFKA its address?")
    case is PostgresDecodingError, is MessageError, is EncodingError: self.init(.internal, "\(error)")
    default: return nil
    }
  }

  private init(_ error: PostgresError) {
    switch error.sqlState {
    case _ where error.isTransient:
      self.init(.unavailable, "PostgreSQL does not answer: \(error). Is it running, and is ROLLCALL_DATABASE_URL its address?")
    case "":
      self.init(.configuration, "ROLLCALL_DATABASE_URL is invalid: \(error)")
    case "42501":
      self.init(
        .permissionDenied,
        "\(error). Use a role with that permission: rollcall_reader and rollcall_operator for reading, the owner for migrations")
    case "3F000", "42P01", "42703":
      self.init(.configuration, "\(error). Run 'scimctl migrate' as the owner of the database")
    case let state where state.hasPrefix("28") || state == "3D000":
      self.init(.configuration, "PostgreSQL rejects the connection: \(error). See ROLLCALL_DATABASE_URL")
    default:
      self.init(.internal, "\(error)")
    }
  }

  /// A rejection by identity-store, which consists of an HTTP status and a SCIM error (RFC 7644 §3.12).
  init(rejectionStatus status: Int, error: [UInt8]) {
    struct Body: Decodable {
      var detail: String?
    }
    let detail: String
    do {
      let body: Body = try JSONData.decode(from: error, type: "SCIM error")
      detail = body.detail ?? "identity-store rejected the command with status \(status)"
    } catch {
      detail = "identity-store rejected the command with status \(status)"
    }
    switch status {
    case 404: self.init(.notFound, detail)
    case 409: self.init(.alreadyExists, detail)
    case 412, 503: self.init(.temporary, detail)
    case 400..<500: self.init(.rejected, detail)
    default: self.init(.internal, detail)
    }
  }
}
