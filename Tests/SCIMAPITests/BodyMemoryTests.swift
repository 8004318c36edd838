import Foundation
import Models
import NIOCore
import NIOPosix
import SCIM
import TestSupport
import Testing

@testable import AdminConsole
@testable import EdgeHTTP
@testable import EdgeReads
@testable import ProductAPI
@testable import SCIMControllers
@testable import ScimAPI

@Suite("The memory for request bodies", .timeLimit(.minutes(10)))
struct BodyMemoryTests {
  private static let large = 1 << 20

  private static func workspace() -> BodyBudget.Owner { .workspace(.made(at: Date())) }

  // MARK: - Shares

  @Test("A workspace cannot exceed its share with bodies of any size, and another still has memory")
  func workspaceShare() throws {
    let budget = BodyBudget(BodyBudget.Limits(largeBodies: 100 << 20, smallBodies: 100 << 20, perWorkspace: 2 << 20))
    let (one, other) = (Self.workspace(), Self.workspace())
    var first = BodyBudget.Share(of: budget, for: one)
    try first.take(Self.large)
    var second = BodyBudget.Share(of: budget, for: one)
    try second.take(Self.large)
    var third = BodyBudget.Share(of: budget, for: one)
    let refusal = #expect(throws: APIError.self) { try third.take(1) }
    #expect(refusal?.error.status == 429)
    #expect(refusal?.headers[.retryAfter] == "1")
    #expect(refusal?.error.detail.contains("this workspace") == true)
    var calm = BodyBudget.Share(of: budget, for: other)
    try calm.take(Self.large)
    first.release()
    try third.take(Self.large)
    second.release()
    third.release()
    calm.release()
    #expect(budget.taken == 0)
  }

  @Test("Workspaces that use all available memory leave some for another workspace", arguments: [1, 2, 3])
  func fairness(flooding: Int) throws {
    let budget = BodyBudget(BodyBudget.Limits(largeBodies: 64 << 20, smallBodies: 0, perWorkspace: 64 << 20))
    var taken = 0
    try withShares(of: budget, for: (0..<flooding).map { _ in Self.workspace() }, filledWith: 100 << 10) {
      taken = budget.taken
      var share = BodyBudget.Share(of: budget, for: Self.workspace())
      try share.take(1 << 20)
      share.release()
    }
    #expect(taken >= 32 << 20 - 200 << 10)
    #expect(budget.taken == 0)
  }

  /// Runs `body` while each of `owners` holds all memory that it can reserve.
  private func withShares(
    of budget: BodyBudget, for owners: [BodyBudget.Owner], filledWith bytes: Int, _ body: () throws -> Void
  ) throws {
    guard let owner = owners.first else { return try body() }
    var share = BodyBudget.Share(of: budget, for: owner)
    while true {
      do throws(APIError) { try share.take(bytes) } catch { break }
    }
    try withShares(of: budget, for: Array(owners.dropFirst()), filledWith: bytes, body)
    share.release()
  }

  @Test("Bodies of up to 64 kB use a reserve when large bodies fill the rest, and leave it when they grow larger")
  func smallBodies() throws {
    let budget = BodyBudget(BodyBudget.Limits(largeBodies: 2 << 20, smallBodies: 1 << 20, perWorkspace: 64 << 20))
    var large = BodyBudget.Share(of: budget, for: Self.workspace())
    try large.take(1 << 20)
    let owner = Self.workspace()
    var grown = BodyBudget.Share(of: budget, for: owner)
    try grown.take(BodyBudget.smallBody)
    try grown.take(BodyBudget.smallBody)
    var second = BodyBudget.Share(of: budget, for: Self.workspace())
    let refusal = #expect(throws: APIError.self) { try second.take(1 << 20) }
    #expect(refusal == .overloaded())
    for _ in 0..<20 {
      var small = BodyBudget.Share(of: budget, for: Self.workspace())
      try small.take(BodyBudget.smallBody)
      small.release()
    }
    large.release()
    grown.release()
    second.release()
    #expect(budget.taken == 0)
  }

  @Test("Unauthenticated senders share the memory of their address")
  func addresses() throws {
    let budget = BodyBudget(BodyBudget.Limits(perAddress: 128 << 10))
    let address = BodyBudget.Owner.address(ClientAddress("10.0.0.1"))
    var first = BodyBudget.Share(of: budget, for: address)
    try first.take(100 << 10)
    var second = BodyBudget.Share(of: budget, for: address)
    let refusal = #expect(throws: APIError.self) { try second.take(29 << 10) }
    #expect(refusal?.error.status == 429)
    var other = BodyBudget.Share(of: budget, for: .address(ClientAddress("10.0.0.2")))
    try other.take(100 << 10)
    first.release()
    second.release()
    other.release()
  }

  // MARK: - Over sockets

  @Test("79 connections that declare large bodies and send nothing reserve no memory, and another workspace is served")
  func announcedBodies() async throws {
    var builder = EdgeBuilder()
    builder.maximumInFlight = 400
    // Memory for two bodies of the maximum size.
    builder.bodyMemory = BodyBudget.Limits(largeBodies: 16 << 20, smallBodies: 1 << 20, perWorkspace: 8 << 20)
    builder.reply = { .resource(EdgeBuilder.user("ana@example.com", id: $0.resource), created: true) }
    // The other connections belong to another workspace, with its own token and limits.
    let flood = EdgeBuilder()
    builder.others = [flood.token: flood.record]
    let edge = builder.edge
    try await serveEdge(edge, token: builder.token.text) { [builder] client, _ in
      let head =
        "POST /api/v2/scim/Users HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \(flood.token.text)\r\n"
        + "Content-Type: application/scim+json\r\nContent-Length: 8388608\r\n\r\n{"
      let idle = try await connections(79, to: client.port, sending: head)
      defer { for channel in idle { channel.close(promise: nil) } }
      // Each connection has sent one byte of its body.
      try await eventually("the first bytes to arrive") { edge.bodies.budget.taken == 79 }
      // The declared length exceeds that of a small body.
      let body = #"{"userName":"ana@example.com"\#(String(repeating: " ", count: 200_000))}"#
      for _ in 0..<3 { #expect(try await client.send("POST", "/Users", body).status == 201) }
      #expect(builder.sentCommands.entries.count == 3)
    }
  }

  private func connections(_ count: Int, to port: Int, sending text: String) async throws -> [any Channel] {
    var channels: [any Channel] = []
    for _ in 0..<count {
      let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton).connect(host: "127.0.0.1", port: port).get()
      try await channel.writeAndFlush(ByteBuffer(string: text))
      channels.append(channel)
    }
    return channels
  }

  @Test(
    "A body that arrives too slowly gets 408, its connection is closed and its memory is released", arguments: [true, false])
  func slowBody(byRate: Bool) async throws {
    let timeouts =
      byRate
      ? SlowClientHandler.Timeouts(read: .seconds(300), write: .seconds(300), minimumRate: 1 << 20, window: .milliseconds(200))
      : SlowClientHandler.Timeouts(read: .milliseconds(200), write: .seconds(300))
    let builder = EdgeBuilder()
    let served = builder.edge
    try await serveEdge(served, timeouts: timeouts, token: builder.token.text) { client, _ in
      let text = try await client.exchange(
        "POST /api/v2/scim/Users HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \(client.token)\r\n"
          + "Content-Type: application/scim+json\r\nContent-Length: 1000\r\n\r\n{\"userName\":")
      #expect(text.hasPrefix("HTTP/1.1 408 "), "\(text)")
      #expect(text.components(separatedBy: "HTTP/1.1 ").count == 2)
      #expect(text.lowercased().contains("connection: close"))
      #expect(text.contains("\"status\":\"408\""))
      try await eventually("its memory to be free") { served.bodies.budget.taken == 0 }
      // The next body, which arrives immediately, is not delayed.
      #expect(try await client.send("GET", "/Schemas").status == 200)
    }
  }

  @Test("The connection is closed if the body of an answered request arrives too slowly")
  func slowBodyOfAnsweredRequest() async throws {
    let builder = EdgeBuilder()
    let timeouts = SlowClientHandler.Timeouts(
      read: .seconds(300), write: .seconds(300), minimumRate: 1 << 20, window: .milliseconds(200))
    try await serveEdge(builder.edge, timeouts: timeouts, token: builder.token.text) { client, _ in
      let text = try await client.exchange("POST /nothing HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n{")
      #expect(text.hasPrefix("HTTP/1.1 404 "), "\(text)")
      #expect(text.components(separatedBy: "HTTP/1.1 ").count == 2)
    }
  }

  @Test("A single sign-in or mail event is at most 16 kB", arguments: ["/api/v2/sign-ins", "/api/v2/mail-events"])
  func eventBodies(path: String) async throws {
    var builder = EdgeBuilder()
    builder.scopes = [.scim, .signIns, .admin]
    try await serving(builder) { [builder] client in
      let small = #"{"email":"ana@example.com","event":"bounced","method":"\#(String(repeating: "x", count: 8_000))"}"#
      let large = #"{"email":"ana@example.com","event":"bounced","method":"\#(String(repeating: "x", count: 17_000))"}"#
      #expect(try await client.send("POST", path, small, base: "").status == 202)
      let answer = try await client.send("POST", path, large, base: "")
      #expect(answer.status == 413)
      #expect(answer.detail.contains("16384 bytes"))
      #expect(builder.signIns.entries.count + builder.mailEvents.entries.count == 1)
    }
  }
}
