import Foundation
import Kafka
import Models
import Postgres
import ServiceKit
import Testing

@testable import ScimctlCommands

@Suite("Errors of scimctl")
struct ScimctlErrorTests {
  @Test(
    "A rejection by identity-store keeps its detail, and has an exit status by its HTTP status",
    arguments: [
      (400, ScimctlError.Status.rejected), (404, .notFound), (409, .alreadyExists), (500, .internal), (503, .temporary),
    ])
  func rejection(_ status: Int, _ expected: ScimctlError.Status) {
    let body = #"{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"\#(status)","detail":"The slug is taken."}"#
    #expect(ScimctlError(rejectionStatus: status, error: Array(body.utf8)) == ScimctlError(expected, "The slug is taken."))
  }

  @Test("A rejection without a detail names its status")
  func rejectionWithoutDetail() {
    #expect(ScimctlError(rejectionStatus: 500, error: []).message.contains("500"))
  }

  @Test(
    "An error of PostgreSQL says what to do",
    arguments: [
      (
        PostgresError(sqlState: "57P03", message: "the database system is starting up"), ScimctlError.Status.unavailable,
        "ROLLCALL_DATABASE_URL"
      ),
      (PostgresError(sqlState: "42501", message: "permission denied for schema identity"), .permissionDenied, "owner"),
      (PostgresError(sqlState: "42P01", message: "relation does not exist"), .configuration, "scimctl migrate"),
      (PostgresError(sqlState: "28P01", message: "password authentication failed"), .configuration, "ROLLCALL_DATABASE_URL"),
      (PostgresError(sqlState: "22012", message: "division by zero"), .internal, "division by zero"),
    ])
  func postgres(_ error: PostgresError, _ status: ScimctlError.Status, _ advice: String) throws {
    let failure = try #require(ScimctlError(reporting: error))
    #expect(failure.status == status)
    #expect(failure.message.contains(advice))
  }

  @Test("Missing settings are named in one line")
  func settings() async throws {
    do {
      _ = try await ServiceSettings.read(service: "scimctl", settings: [.kafka, .databaseURL], environment: [:])
      Issue.record("missing settings were accepted")
    } catch {
      let failure = try #require(ScimctlError(reporting: error))
      #expect(failure.status == .configuration)
      #expect(failure.message.contains("ROLLCALL_KAFKA"))
      #expect(failure.message.contains("ROLLCALL_DATABASE_URL"))
      #expect(!failure.message.contains("\n"))
    }
  }

  @Test("Errors of the argument parser are left to it")
  func arguments() {
    struct Unknown: Error {}
    #expect(ScimctlError(reporting: Unknown()) == nil)
  }
}
