import Foundation
import Primitives
import TestSupport
import Testing

@testable import GroupSync

@Suite("The HTTP client of webhooks")
struct WebhookClientTests {
  private static let body = Array(#"{"type":"member.updated","data":{"sequence":1}}"#.utf8)

  private static func resolver(_ addresses: String...) throws -> HostResolver {
    let addresses = try addresses.map { try #require(InternetAddress($0)) }
    return HostResolver { _ in addresses }
  }

  @Test("A request goes to the address that was checked, with the name of the host, or to the next one that accepts connections")
  func address() async throws {
    let receiver = try WebhookReceiver()
    // Nothing listens on the first one.
    let client = WebhookClient(allowsPrivateAddresses: true, resolver: try Self.resolver("127.0.0.2", "127.0.0.1"))
    try await running([receiver]) {
      try await receiver.ready()
      let url = try WebhookURL("http://product.test:\(receiver.port)/hook?x=1")
      for _ in 0..<2 {
        let response = try await client.post(url, headers: [("webhook-id", "m")], body: Self.body)
        #expect(response.status == 204 && response.head.hasPrefix("204"))
      }
      #expect(receiver.requests.map(\.host) == ["product.test:\(receiver.port)", "product.test:\(receiver.port)"])
      #expect(receiver.requests.map(\.id) == ["m", "m"])
    }
    await client.shutDown()
  }

  @Test(
    "A host is refused if one of its addresses is not one of the Internet",
    arguments: ["10.0.0.1", "169.254.169.254", "::1", "::ffff:127.0.0.1", "fd00::1"])
  func guarded(address: String) async throws {
    let client = WebhookClient(allowsPrivateAddresses: false, resolver: try Self.resolver("192.0.1.1", address))
    let url = try WebhookURL("https://product.test/hook")
    let error = await #expect(throws: WebhookRequestError.self) { try await client.post(url, headers: [], body: Self.body) }
    #expect(error?.reason.contains("not one of the Internet") == true)
    await client.shutDown()
  }

  @Test(
    "An address of this machine is refused however it is written",
    arguments: ["127.0.0.1", "127.1", "0x7f000001", "2130706433", "[::1]", "localhost"])
  func loopback(host: String) async throws {
    let client = WebhookClient(allowsPrivateAddresses: false)
    let url = try WebhookURL("http://\(host):9/")
    let error = await #expect(throws: WebhookRequestError.self) { try await client.post(url, headers: [], body: Self.body) }
    #expect(error?.reason.contains("Internet") == true)
    await client.shutDown()
  }

  @Test("An endpoint that accepts no connection, or a name without address, is an error that says so")
  func unreachable() async throws {
    let port = try FreePort.find()
    let client = WebhookClient(allowsPrivateAddresses: true)
    await #expect(throws: WebhookRequestError.self) {
      try await client.post(try WebhookURL("http://127.0.0.1:\(port)/"), headers: [], body: Self.body)
    }
    let error = await #expect(throws: WebhookRequestError.self) {
      try await client.post(try WebhookURL("http://product.invalid/"), headers: [], body: Self.body)
    }
    #expect(error?.reason.contains("product.invalid") == true)
    await client.shutDown()
  }
}
