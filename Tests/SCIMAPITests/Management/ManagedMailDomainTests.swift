import DNS
import Foundation
import Models
import SCIM
import Synchronization
import Testing

@testable import EdgeHTTP
@testable import ManagementAPI

@Suite("The management API: mail domains", .timeLimit(.minutes(10)))
struct ManagedMailDomainTests {
  private static let json = ["Content-Type": "application/json"]

  @Test("A domain is verified once its name server has the record that the response names")
  func verification() async throws {
    let store = try await ManagementStore.start()
    let (stored, token) = store.builder()
    var builder = stored
    let published = Mutex<[[String]]>([])
    let server = try DNSServer { name in
      name == "_rollcall-challenge.acme.example" ? .records(published.withLock { $0 }) : .code(3)
    }
    defer { server.stop() }
    let resolver = try TXTResolver(servers: server.address)
    builder.txtRecords = { try await resolver.records(of: $0) }
    let base = "\(ResourcePath.admin)/workspaces/\(store.store.workspace)/mail-domains"
    try await serving(builder, token: token) { client in
      let added = try await client.send("POST", "", #"{"domain":"ACME.example"}"#, headers: Self.json, base: base)
      #expect(added.status == 201, "\(added.text)")
      #expect(added.headers["location"] == "\(base)/acme.example")
      let record = try #require(added.json["record"]?.object)
      #expect(record["type"] == "TXT" && record["name"] == "_rollcall-challenge.acme.example")
      let value = try #require(record["value"]?.string)
      // 160 bits: nobody else can guess it.
      #expect(value.hasPrefix("rollcall-verification=") && value.utf8.count == "rollcall-verification=".utf8.count + 32)
      #expect(added.json["status"] == "pending")
      let again = try await client.send("POST", "", #"{"domain":"acme.example"}"#, headers: Self.json, base: base)
      #expect(again.json["record"]?.object?["value"]?.string == value)

      for texts in [[], [["rollcall-verification=other"]], [["v=spf1 -all"], ["x"]]] as [[[String]]] {
        published.withLock { $0 = texts }
        let refused = try await client.send("POST", "/acme.example/verify", base: base)
        #expect(refused.status == 409 && refused.detail.contains(value), "\(refused.text)")
        #expect(refused.json["type"] == "urn:rollcall:problem:domain-not-verified")
      }
      published.withLock { $0 = [["v=spf1 -all"], [String(value.prefix(10)), String(value.dropFirst(10))]] }
      let verified = try await client.send("POST", "/acme.example/verify", base: base)
      #expect(verified.status == 200 && verified.json["status"] == "verified", "\(verified.text)")
      let list = try await client.send("GET", "", base: base)
      #expect(list.json["mailDomains"]?.array?.first?.object?["status"] == "verified", "\(list.text)")
      #expect(try await client.send("DELETE", "/acme.example", base: base).status == 204)
      #expect(try await client.send("GET", "/acme.example", base: base).status == 404)
    }
    await store.store.close()
  }

  @Test("A name server that does not answer is no verdict")
  func silence() async throws {
    let store = try await ManagementStore.start()
    let (stored, token) = store.builder()
    var builder = stored
    builder.txtRecords = { _ in throw DNSError.timeout }
    let base = "\(ResourcePath.admin)/workspaces/\(store.store.workspace)/mail-domains"
    try await serving(builder, token: token) { client in
      _ = try await client.send("POST", "", #"{"domain":"acme.example"}"#, headers: Self.json, base: base)
      let answer = try await client.send("POST", "/acme.example/verify", base: base)
      #expect(answer.status == 503 && answer.headers["retry-after"] != nil, "\(answer.text)")
    }
    await store.store.close()
  }

  @Test("Only the operator asserts a domain; malformed domains and members are refused")
  func assertion() async throws {
    let store = try await ManagementStore.start()
    let (builder, token) = store.builder()
    let base = "\(ResourcePath.admin)/workspaces/\(store.store.workspace)/mail-domains"
    let assertion = #"{"domain":"acme.example","verification":"operator"}"#
    try await serving(builder, token: token) { client in
      let asserted = try await client.send("POST", "", assertion, headers: Self.json, base: base)
      #expect(asserted.status == 201 && asserted.json["status"] == "verified" && asserted.json["record"] == nil, "\(asserted.text)")
      for body in [
        #"{"domain":"acme"}"#, #"{"domain":"https://acme.example"}"#, #"{"domain":"a.example","verification":"mail"}"#, "{}",
        #"{"domain":"a.example","extra":1}"#,
      ] {
        #expect(try await client.send("POST", "", body, headers: Self.json, base: base).status == 400, "\(body)")
      }
      #expect(try await client.send("POST", "/other.example/verify", base: base).status == 404)
      #expect(try await client.send("POST", "/-/verify", base: base).status == 404)
    }
    // With the token of the workspace.
    let own = "\(ResourcePath.admin)/workspaces/\(builder.workspace)/mail-domains"
    try await serving(builder) { client in
      let answer = try await client.send("POST", "", assertion, headers: Self.json, base: own)
      #expect(answer.status == 403)
    }
    await store.store.close()
  }
}
