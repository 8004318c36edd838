import Foundation
import Models
import Postgres
import SCIM
import Testing

@testable import AdminConsole
@testable import EdgeHTTP
@testable import EdgeReads
@testable import ProductAPI
@testable import SCIMControllers
@testable import ScimAPI

@Suite("Command client")
struct CommandClientTests {
  private static let away = PostgresError(sqlState: "57P03", message: "the database system is starting up")

  @Test("The reply is the outcome, and the record is not read")
  func replied() async throws {
    let outcome = try await outcome(ask: { Reply(command: $0.id, outcome: .done) }, recorded: { _ in throw Self.away })
    #expect(outcome == .done)
  }

  @Test("Without a reply the record is the outcome")
  func recorded() async throws {
    let outcome = try await outcome(ask: { _ in nil }, recorded: { Reply(command: $0, outcome: .done) })
    #expect(outcome == .done)
  }

  @Test("Without reply and record the command was not executed: 503 with Retry-After in whole seconds")
  func noReplyOrRecord() async throws {
    let refusal = await #expect(throws: APIError.self) { try await outcome(ask: { _ in nil }, recorded: { _ in nil }) }
    #expect(refusal?.error.status == 503)
    #expect(refusal?.headers[.retryAfter].flatMap { Int($0) } != nil)
    #expect(refusal?.error.detail.contains("will not be") == true)
  }

  @Test("If the resource of a recorded write was deleted since, the response is 404 and says that the write was executed")
  func deletedSince() async throws {
    let gone = StoredResource(id: .made(at: Date()), version: 1, modifiedAt: Date(), document: [])
    let refusal = await #expect(throws: APIError.self) {
      try await outcome(ask: { _ in nil }, recorded: { Reply(command: $0, outcome: .resource(gone, created: true)) })
    }
    #expect(refusal?.error.status == 404)
    #expect(refusal?.error.detail.contains("was executed") == true)
  }

  @Test("If the record cannot be read, the error says that the outcome is unknown")
  func unknown() async throws {
    let refusal = await #expect(throws: APIError.self) { try await outcome(ask: { _ in nil }, recorded: { _ in throw Self.away }) }
    #expect(refusal?.error.status == 503)
    #expect(refusal?.error.detail.contains("unknown whether the write was executed") == true)
  }

  @Test("The command has the deadline, the actor and the trace; the reply is awaited until the store's timeout after it")
  func command() async throws {
    let sent = Journal<(Command, Date)>()
    let builder = EdgeBuilder()
    let info = RequestInfo(peer: nil)
    info.record(traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    let client = CommandClient(
      CommandClient.Timeouts(start: 20, bulkStart: 40, execution: 5),
      exchange: { command, end in
        sent.record((command, end))
        return Reply(command: command.id, outcome: .done)
      }, recordedReplies: { _, _ in [:] })
    let resource = ResourceID.made(at: Date())
    _ = try await client.execute(.deleteUser, on: resource, for: Caller(builder.record, for: .scim, at: Date()), info: info)
    let (command, end) = try #require(sent.entries.first)
    #expect(command.deadline == command.issuedAt + 20)
    #expect(end == command.issuedAt + 25)
    #expect(command.actor == .token(builder.tokenID))
    #expect(command.workspace == builder.workspace)
    #expect(command.resource == resource)
    #expect(command.traceparent == info.fields.traceparent)
    #expect(info.fields.command == command.id)
  }

  private func outcome(
    ask: @escaping @Sendable (Command) async throws -> Reply?, recorded: @escaping @Sendable (CommandID) async throws -> Reply?
  ) async throws -> Reply.Outcome {
    let client = CommandClient(
      CommandClient.Timeouts(start: 1, bulkStart: 1, execution: 1), exchange: { command, _ in try await ask(command) },
      recordedReplies: { ids, _ in
        var replies: [CommandID: Reply] = [:]
        for id in ids { replies[id] = try await recorded(id) }
        return replies
      })
    let caller = try Caller(EdgeBuilder().record, for: .scim, at: Date())
    return try await client.execute(.deleteUser, on: .made(at: Date()), for: caller, info: RequestInfo(peer: nil))
  }
}
