import DNS
import Testing

@Suite("TXT records", .timeLimit(.minutes(5)))
struct TXTResolverTests {
  private func records(_ answer: DNSServer.Answer, timeout: Duration = .seconds(60)) async throws -> [String] {
    let server = try DNSServer { name in name == "_rollcall-challenge.acme.example" ? answer : .code(5) }
    defer { server.stop() }
    return try await TXTResolver(servers: server.address, timeout: timeout).records(of: "_rollcall-challenge.acme.example")
  }

  @Test("are returned one by one, and the strings of a record as one text")
  func texts() async throws {
    #expect(try await records(.records([["rollcall-verification=abc"]])) == ["rollcall-verification=abc"])
    let long = String(repeating: "x", count: 200)
    #expect(try await records(.records([["v=spf1 -all"], [long, "yz"], [""]])) == ["v=spf1 -all", long + "yz", ""])
  }

  @Test("are none if the name has no such record, or does not exist", arguments: [UInt8(0), 3])
  func absence(code: UInt8) async throws {
    #expect(try await records(.code(code)).isEmpty)
  }

  @Test("A server that fails, sends nonsense or does not answer is no proof of absence")
  func failures() async throws {
    await #expect(throws: DNSError.self) { try await records(.code(2), timeout: .seconds(2)) }
    await #expect(throws: DNSError.self) { try await records(.garbage, timeout: .seconds(1)) }
    await #expect(throws: DNSError.self) { try await records(.none, timeout: .milliseconds(200)) }
  }

  @Test("The next server is asked if the first one does not answer")
  func secondServer() async throws {
    let (silent, server) = (try DNSServer { _ in .none }, try DNSServer { _ in .records([["found"]]) })
    defer {
      silent.stop()
      server.stop()
    }
    let resolver = try TXTResolver(servers: "\(silent.address),\(server.address)", timeout: .seconds(4))
    #expect(try await resolver.records(of: "acme.example") == ["found"])
  }

  @Test("A malformed list of servers is refused", arguments: ["", "dns.example", "127.0.0.1,", "127.0.0.1 ; rm", ","])
  func malformed(servers: String) {
    #expect(throws: DNSError.servers(servers)) { try TXTResolver(servers: servers) }
  }

  @Test("Look-ups beyond the limit are refused, and others after them succeed")
  func limit() async throws {
    let server = try DNSServer { name in name == "silent.example" ? .none : .records([["found"]]) }
    defer { server.stop() }
    let resolver = try TXTResolver(servers: server.address, timeout: .seconds(3))
    let outcomes = await withTaskGroup(of: DNSError?.self) { group in
      for _ in 0..<(2 * TXTResolver.maximumLookups) {
        group.addTask {
          do {
            _ = try await resolver.records(of: "silent.example")
            return nil
          } catch { return error as? DNSError }
        }
      }
      return await group.reduce(into: [DNSError?]()) { $0.append($1) }
    }
    #expect(outcomes.count { $0 == .busy } == TXTResolver.maximumLookups)
    #expect(!outcomes.contains(nil))
    #expect(try await resolver.records(of: "acme.example") == ["found"])
  }
}
