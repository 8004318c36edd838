import Foundation
import Primitives
import Synchronization
import TestSupport
import Testing

@testable import GroupSync

@Suite("The resolver of webhook hosts")
struct HostResolverTests {
  private static let address = InternetAddress("192.0.2.1")

  @Test("Concurrent calls share a query, and addresses are cached")
  func sharing() async throws {
    let lookups = Mutex(0)
    let gate = DispatchSemaphore(value: 0)
    let address = try #require(Self.address)
    let resolver = HostResolver(lifetime: .seconds(3600)) { _ in
      lookups.withLock { $0 += 1 }
      gate.wait()
      return [address]
    }
    defer { resolver.shutDown() }
    try await withThrowingTaskGroup(of: [InternetAddress].self) { group in
      for _ in 0..<20 { group.addTask { try await resolver.addresses(of: "example.com") } }
      try await eventually("the query") { lookups.withLock { $0 } == 1 }
      gate.signal()
      for try await addresses in group { #expect(addresses == [address]) }
    }
    #expect(try await resolver.addresses(of: "example.com") == [address])
    #expect(lookups.withLock { $0 } == 1)
  }

  @Test("After a failed connection the host is resolved again, and a failure is not cached")
  func again() async throws {
    let lookups = Mutex(0)
    let address = try #require(Self.address)
    let resolver = HostResolver(lifetime: .seconds(3600)) { host in
      let count = lookups.withLock { count in
        count += 1
        return count
      }
      guard count > 1 else { throw HostResolutionError(host: host, reason: "no answer") }
      return [address]
    }
    defer { resolver.shutDown() }
    await #expect(throws: HostResolutionError.self) { try await resolver.addresses(of: "example.com") }
    #expect(try await resolver.addresses(of: "example.com") == [address])
    resolver.forget("example.com")
    #expect(try await resolver.addresses(of: "example.com") == [address])
    #expect(lookups.withLock { $0 } == 3)
  }

  @Test("A call that is cancelled ends although the name server does not answer")
  func cancellation() async throws {
    let gate = DispatchSemaphore(value: 0)
    let resolver = HostResolver { _ in
      gate.wait()
      return []
    }
    defer {
      gate.signal()
      resolver.shutDown()
    }
    let task = Task { try await resolver.addresses(of: "example.com") }
    task.cancel()
    await #expect(throws: CancellationError.self) { try await task.value }
  }

  @Test("The system's resolver knows this machine")
  func system() throws {
    #expect(try HostResolver.systemLookup("localhost").allSatisfy { !$0.isPublic })
    #expect(throws: HostResolutionError.self) { try HostResolver.systemLookup("name.invalid") }
  }
}
