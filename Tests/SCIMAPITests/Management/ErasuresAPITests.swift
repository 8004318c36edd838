import Foundation
import Models
import Postgres
import SCIM
import Testing

@testable import EdgeHTTP
@testable import EdgeReads
@testable import ManagementAPI

@Suite("Erasure of a member", .timeLimit(.minutes(10)))
struct ErasuresAPITests {
  @Test("An erasure is requested with a command, and shown until it is finished")
  func erasure() async throws {
    let bench = try await ManagementBench.start()
    let (store, gone) = (bench.store, UserID.made(at: Date()))
    try await store.insertTombstone(of: gone.resource, named: "ana")
    try await bench.serving { client in
      let none = try await client.get("/members/\(gone)/erasure")
      #expect(none.status == 404 && none.problem == "unknown-resource", "\(none.text)")
      // identity-store stores it with the command.
      try await store.write(
        "insert into identity.erasures (workspace_id, user_id, requested_by, requested_at) values ($1, $2, 'operator:ana', '2026-01-31Z')",
        [.uuid(store.workspace.uuid), .uuid(gone.uuid)])
      let requested = try await client.post("/members/\(gone)/erasure")
      #expect(requested.status == 202 && requested.json["state"] == "waiting", "\(requested.text)")
      #expect(requested.headers["location"]?.hasSuffix("/members/\(gone)/erasure") == true)
      #expect(requested.json["topicRetention"]?.string?.contains("30 days") == true)
      try await store.write(
        "update identity.erasures set finished_at = '2026-02-01Z', erased = '{\"identity\":{\"requests\":2}}' where user_id = $1",
        [.uuid(gone.uuid)])
      let finished = try await client.get("/members/\(gone)/erasure")
      #expect(finished.json["state"] == "finished" && finished.json["finishedAt"] == "2026-02-01T00:00:00.000Z", "\(finished.text)")
      #expect(finished.json["erased"]?.object?["identity"]?.object?["requests"] == 2)
    }
    #expect(bench.operations == [.eraseUser])
    #expect(bench.builder.sentCommands.entries.first?.resource == gone.resource)
    await store.close()
  }

  @Test("The refusal for a member who is not deleted is returned as problem details")
  func refusal() async throws {
    var bench = try await ManagementBench.start()
    bench.builder.reply = { _ in .refused(status: 409, error: SCIMError(status: 409, scimType: nil, detail: "The user exists.").body()) }
    try await bench.serving { client in
      let answer = try await client.post("/members/\(UserID.made(at: Date()))/erasure")
      #expect(answer.status == 409 && answer.detail == "The user exists.", "\(answer.text)")
      #expect(try await client.post("/members/ana/erasure").status == 404)
      #expect(try await client.get("/members/ana/erasure").status == 404)
    }
    await bench.store.close()
  }
}
