import Foundation
import Kafka
import Models
import Postgres
import ServiceKit
import Testing

@testable import ScimctlCommands

@Suite("A failure")
struct FailureTests {
  @Test(
    "of identity-store's keeps the detail, and has a status of its own",
    arguments: [
      (400, Failure.Status.refused), (404, .notFound), (409, .alreadyThere), (500, .internal), (503, .tryAgain),
    ])
  func refusal(_ status: Int, _ expected: Failure.Status) {
    let body = #"{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"\#(status)","detail":"The slug is taken."}"#
    #expect(Failure(refusal: status, error: Array(body.utf8)) == Failure(expected, "The slug is taken."))
  }

  @Test("of identity-store's without a detail still says something")
  func refusalWithoutDetail() {
    #expect(Failure(refusal: 500, error: []).message.contains("500"))
  }

  @Test(
    "of PostgreSQL's says what to do",
    arguments: [
      (
        PostgresError(sqlState: "57P03", message: "the database system is starting up"), Failure.Status.unavailable, "ROLLCALL_DATABASE_URL"
      ),
      (PostgresError(sqlState: "42501", message: "permission denied for schema identity"), .notPermitted, "owner"),
      (PostgresError(sqlState: "42P01", message: "relation does not exist"), .configuration, "scimctl migrate"),
      (PostgresError(sqlState: "28P01", message: "password authentication failed"), .configuration, "ROLLCALL_DATABASE_URL"),
      (PostgresError(sqlState: "22012", message: "division by zero"), .internal, "division by zero"),
    ])
  func postgres(_ error: PostgresError, _ status: Failure.Status, _ advice: String) throws {
    let failure = try #require(Failure(reporting: error))
    #expect(failure.status == status)
    #expect(failure.message.contains(advice))
  }

  @Test("of the settings is one line that names all of them")
  func settings() async throws {
    do {
      _ = try await ServiceSettings.read(service: "scimctl", settings: [.kafka, .databaseURL], environment: [:])
      Issue.record("settings were found where none are")
    } catch {
      let failure = try #require(Failure(reporting: error))
      #expect(failure.status == .configuration)
      #expect(failure.message.contains("ROLLCALL_KAFKA"))
      #expect(failure.message.contains("ROLLCALL_DATABASE_URL"))
      #expect(!failure.message.contains("\n"))
    }
  }

  @Test("of the argument parser's own is left to it")
  func arguments() {
    struct Unknown: Error {}
    #expect(Failure(reporting: Unknown()) == nil)
  }
}
