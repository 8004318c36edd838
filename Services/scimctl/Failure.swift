import Foundation
import Kafka
import Migrations
import Models
import Postgres
import ServiceKit

/// Why a command could not be carried out: one line that says what to do, and the process's exit status.
struct Failure: Error, Sendable, Equatable {
  var status: Status
  var message: String

  init(_ status: Status, _ message: String) {
    self.status = status
    self.message = message.split(whereSeparator: \.isNewline).joined(separator: "; ")
  }

  /// The exit statuses of `sysexits.h`.
  enum Status: Int32, Sendable {
    /// An argument is missing; also the argument parser's status for those that cannot be understood.
    case usage = 64
    /// identity-store refuses what was asked.
    case refused = 65
    /// What the command names is not there.
    case notFound = 66
    /// PostgreSQL, Kafka or identity-store does not answer.
    case unavailable = 69
    /// A defect, or something that nobody foresaw.
    case `internal` = 70
    /// What is to be made is there already.
    case alreadyThere = 73
    /// The same again, a little later, can succeed.
    case tryAgain = 75
    /// The database role may not do this.
    case notPermitted = 77
    /// A setting is missing or malformed, or the database is not migrated.
    case configuration = 78
  }
}

extension Failure {
  /// What to report of an error; nil where it is the argument parser's own.
  init?(reporting error: any Error) {
    switch error {
    case let failure as Failure: self = failure
    case let error as SettingsError: self.init(.configuration, "\(error)")
    case let error as PostgresError: self.init(error)
    case let error as SchemaMismatch: self.init(.configuration, "\(error)")
    case let error as MigrationError: self.init(.internal, "the database was left as it was before this migration: \(error)")
    case let error as KafkaError where error.code == .configuration:
      self.init(.configuration, "\(error); see ROLLCALL_KAFKA and ROLLCALL_KAFKA_PROPERTIES")
    case let error as KafkaError where error.isAboutMessage:
      self.init(.refused, "\(error). What is to be sent is larger than the topic allows: send less at once, or raise max.message.bytes")
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
      self.init(.configuration, "ROLLCALL_DATABASE_URL cannot be used: \(error)")
    case "42501":
      self.init(.notPermitted, "\(error). Use a role that may: scimctl reads as rollcall_reader and rollcall_operator, the owner migrates")
    case "3F000", "42P01", "42703":
      self.init(.configuration, "\(error). Run 'scimctl migrate' as the owner of the database")
    case let state where state.hasPrefix("28") || state == "3D000":
      self.init(.configuration, "PostgreSQL refuses the connection: \(error). See ROLLCALL_DATABASE_URL")
    default:
      self.init(.internal, "\(error)")
    }
  }

  /// A command that identity-store refuses, with an HTTP status and a SCIM error (RFC 7644 §3.12).
  init(refusal status: Int, error: [UInt8]) {
    struct Body: Decodable {
      var detail: String?
    }
    let detail: String
    do {
      let body: Body = try JSONData.decode(from: error, type: "refusal")
      detail = body.detail ?? "identity-store refuses it with status \(status)"
    } catch {
      detail = "identity-store refuses it with status \(status)"
    }
    switch status {
    case 404: self.init(.notFound, detail)
    case 409: self.init(.alreadyThere, detail)
    case 412, 503: self.init(.tryAgain, detail)
    case 400..<500: self.init(.refused, detail)
    default: self.init(.internal, detail)
    }
  }
}
