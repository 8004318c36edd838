import Foundation
import Models
import Postgres
import TestSupport
import Testing

@testable import IdentityStore

@Suite("Recorded replies", .timeLimit(.minutes(10)))
struct RecordedReplyTests {
  private func resource(_ reply: Reply?) throws -> StoredResource {
    guard case .resource(let resource, _)? = reply?.outcome else { throw UnexpectedReply(reply: reply) }
    return resource
  }

  private struct UnexpectedReply: Error {
    var reply: Reply?
  }

  @Test("A recorded reply has no document; a redelivered command is answered with the present state of its resource")
  func present() async throws {
    let store = try await StoreDatabase.start()
    let (user, group) = (ResourceID.made(at: Date()), ResourceID.made(at: Date()))
    let create = store.createUser("ana@example.com", on: user)
    let createGroup = store.command(.createGroup(document: Fixture().group("Data", members: [user])), on: group)
    let first = try await store.process().execute([create, createGroup])
    #expect(try await store.count("select max(length(data))::int from identity.replies") == 0)
    let repeated = try await store.process().execute([create, createGroup])
    #expect(repeated.map { $0.encoded().attributes } == first.map { $0.encoded().attributes })
    #expect(repeated.map { $0.encoded().data } == first.map { $0.encoded().data })

    let rename = store.command(.replaceUser(document: Fixture.user(#"{"userName":"ana@example.com","title":"Boss"}"#)), on: user)
    let renamed = try await store.process().execute([rename])
    // The caller of the first write gets its status, and a document and a version that agree.
    var awaited = create
    awaited.replyTo = ReplyAddress(partition: 0, correlationID: "1")
    let later = try await store.process().execute([createGroup, awaited])
    #expect(later.map(\.outcome.status) == [201, 201])
    #expect(later[0].encoded().data == first[1].encoded().data)
    #expect(try resource(later[1]).version == 2)
    #expect(try resource(later[1]).document == resource(renamed[0]).document)
    #expect(try await store.count("select version from identity.users") == 2)
  }

  @Test("If the resource was deleted since, a redelivered command keeps its status and id, and has no document")
  func deleted() async throws {
    let store = try await StoreDatabase.start()
    let user = ResourceID.made(at: Date())
    let create = store.createUser("ana@example.com", on: user)
    _ = try await store.process().execute([create, store.command(.deleteUser, on: user)])
    let repeated = try await store.process().execute([create])
    #expect(repeated.map(\.outcome.status) == [201])
    #expect(repeated.first?.resourceWithoutDocument == user)
    #expect(try await store.count("select count(*) from identity.users") == 0)
  }

  @Test("A reply that an older release recorded is returned as it is")
  func olderRelease() async throws {
    let store = try await StoreDatabase.start()
    let command = store.createUser("ana@example.com")
    let old = Reply(
      command: command.id,
      outcome: .resource(
        StoredResource(id: command.resource, version: 1, modifiedAt: Fixture.start, document: Array(#"{"id":"x","meta":{"#.utf8)),
        created: true))
    let (attributes, data) = old.encoded()
    let process = store.process()
    _ = try await process.pool.query(
      Statement(once: "old reply", "insert into identity.replies (workspace_id, command_id, attributes, data) values ($1, $2, $3, $4)"),
      [.uuid(store.workspace.uuid), .uuid(command.id.uuid), .textArray(attributes.pairs), .bytes(data)])
    #expect(try await process.execute([command]) == [old])
    #expect(try await store.count("select count(*) from identity.users") == 0)
  }
}
