import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import Primitives
import Synchronization

/// Sends requests to the addresses of the Internet only, so that nobody can use an endpoint to reach the deployment's own network.
///
/// It resolves the host, checks all of its addresses, and connects to one that was checked, with the original name in the `Host` header, in the
/// TLS handshake and for the verification of the certificate. It follows no redirects.
final class WebhookClient: Sendable {
  /// The bounds of a request.
  struct Limits: Sendable, Hashable {
    /// The time for the whole request.
    var timeout = Duration.seconds(15)
    /// The bound of what is kept of the headers and of the body of a response, in bytes.
    var excerpt = 1024
    /// How many bytes of a response are read. The connection is closed if there are more.
    var body = 64 << 10
    /// Clients that are kept, one for each host and address.
    var clients = 256
  }

  /// A response, as it is logged.
  struct Response: Sendable, Hashable {
    var status: Int
    var head: String
    var body: String
  }

  private struct Target: Hashable {
    var host: String
    var address: String
  }

  private struct Entry {
    var client: HTTPClient
    var users = 0
    var usedAt = ContinuousClock.now
  }

  private let limits: Limits
  private let allowsPrivateAddresses: Bool
  private let connections: Int
  private let resolver: HostResolver
  private let clients = Mutex<[Target: Entry]>([:])

  /// - Parameters:
  ///   - allowsPrivateAddresses: Whether requests may go to private networks.
  ///   - connections: The maximum number of connections to one host, at least that of concurrent requests to it.
  init(
    allowsPrivateAddresses: Bool, connections: Int = DeliveryLimits().requests, limits: Limits = Limits(),
    resolver: HostResolver = HostResolver()
  ) {
    self.allowsPrivateAddresses = allowsPrivateAddresses
    self.connections = connections
    self.limits = limits
    self.resolver = resolver
  }

  /// Posts `body` to a URL.
  ///
  /// - Throws: ``WebhookRequestError`` if there was no response; `CancellationError`.
  func post(_ url: WebhookURL, headers: [(name: String, value: String)], body: [UInt8]) async throws -> Response {
    do {
      return try await withTimeout(limits.timeout) { try await self.send(url, headers: headers, body: body) }
    } catch let error as WebhookRequestError {
      throw error
    } catch let error as CancellationError {
      throw error
    } catch let error as HostResolutionError {
      throw WebhookRequestError(reason: error.description)
    } catch {
      guard !Task.isCancelled else { throw CancellationError() }
      // The address may have moved.
      resolver.forget(url.host)
      throw WebhookRequestError(reason: Self.reason(error))
    }
  }

  private func send(_ url: WebhookURL, headers: [(name: String, value: String)], body: [UInt8]) async throws -> Response {
    let addresses = try await addresses(of: url).prefix(Self.maximumAddresses)
    for address in addresses.dropLast() {
      do {
        return try await send(url, to: address, headers: headers, body: body)
      } catch let error where Self.isAboutConnection(error) {
        continue
      }
    }
    guard let last = addresses.last else { throw HostResolutionError(host: url.host, reason: "it has no address") }
    return try await send(url, to: last, headers: headers, body: body)
  }

  /// The addresses of a host that are tried if it does not accept connections on the first.
  private static let maximumAddresses = 3

  private static func isAboutConnection(_ error: any Error) -> Bool {
    error is IOError || error is NIOConnectionError || error as? HTTPClientError == .connectTimeout
  }

  private func send(
    _ url: WebhookURL, to address: InternetAddress, headers: [(name: String, value: String)], body: [UInt8]
  ) async throws -> Response {
    let target = Target(host: url.host, address: address.description)
    let client = acquire(target, url)
    do {
      let response = try await send(url, headers: headers, body: body, with: client)
      await release(target)
      return response
    } catch {
      await release(target)
      throw error
    }
  }

  private func send(
    _ url: WebhookURL, headers: [(name: String, value: String)], body: [UInt8], with client: HTTPClient
  ) async throws -> Response {
    var request = HTTPClientRequest(url: url.text)
    request.method = .POST
    for (name, value) in headers { request.headers.add(name: name, value: value) }
    request.body = .bytes(ByteBuffer(bytes: body))
    let response = try await client.execute(request, timeout: .nanoseconds(Int64(limits.timeout / .nanoseconds(1))))
    var excerpt: [UInt8] = []
    var read = 0
    for try await part in response.body {
      read += part.readableBytes
      if excerpt.count < limits.excerpt { excerpt += part.readableBytesView.prefix(limits.excerpt - excerpt.count) }
      if read > limits.body { break }
    }
    return Response(
      status: Int(response.status.code), head: Self.excerpt(of: response, limit: limits.excerpt), body: Self.text(excerpt))
  }

  /// The addresses of the host, after all of them were checked.
  ///
  /// - Throws: ``WebhookRequestError`` if one of them is not an address of the Internet; ``HostResolutionError``.
  private func addresses(of url: WebhookURL) async throws -> [InternetAddress] {
    let addresses = if let address = url.address { [address] } else { try await resolver.addresses(of: url.host) }
    if !allowsPrivateAddresses, let forbidden = addresses.first(where: { !$0.isPublic }) {
      throw WebhookRequestError(
        reason: url.address == nil
          ? "the host '\(url.host)' has the address \(forbidden), which is not one of the Internet"
          : "\(forbidden) is not an address of the Internet")
    }
    return addresses
  }

  private static func excerpt(of response: HTTPClientResponse, limit: Int) -> String {
    var text = "\(response.status.code) \(response.status.reasonPhrase)"
    for (name, value) in response.headers {
      guard text.utf8.count + name.utf8.count + value.utf8.count + 3 <= limit else { break }
      text += "\n\(name): \(value)"
    }
    return self.text(Array(text.utf8.prefix(limit)))
  }

  /// Bytes as text that PostgreSQL can store.
  private static func text(_ bytes: [UInt8]) -> String {
    String(decoding: bytes.map { $0 == 0 ? UInt8(ascii: " ") : $0 }, as: UTF8.self)
  }

  private static func reason(_ error: any Error) -> String {
    if error is RequestTimeout { return "the endpoint did not respond in time" }
    return switch error as? HTTPClientError {
    case .connectTimeout: "the endpoint accepted no connection in time"
    case .deadlineExceeded, .readTimeout: "the endpoint did not respond in time"
    case .remoteConnectionClosed: "the endpoint closed the connection without a response"
    default: String("\(error)".prefix(500))
    }
  }
}

// MARK: - Clients

extension WebhookClient {
  /// The client for a host that connects to one address.
  private func acquire(_ target: Target, _ url: WebhookURL) -> HTTPClient {
    clients.withLock { clients in
      var entry = clients[target] ?? Entry(client: client(for: target, isName: url.address == nil))
      entry.users += 1
      entry.usedAt = .now
      clients[target] = entry
      return entry.client
    }
  }

  /// Returns a client. Those that were not used for longest are shut down if there are too many.
  private func release(_ target: Target) async {
    let unused = clients.withLock { clients -> [HTTPClient] in
      clients[target]?.users -= 1
      guard clients.count > limits.clients else { return [] }
      let idle = clients.filter { $0.value.users == 0 }.sorted { $0.value.usedAt < $1.value.usedAt }
      return idle.prefix(clients.count - limits.clients).compactMap { clients.removeValue(forKey: $0.key)?.client }
    }
    for client in unused { await Self.shutDown(client) }
  }

  private func client(for target: Target, isName: Bool) -> HTTPClient {
    var configuration = HTTPClient.Configuration()
    configuration.redirectConfiguration = .disallow
    // The sender makes the spans, since URLs may have secrets.
    configuration.tracing.tracer = nil
    configuration.timeout = HTTPClient.Configuration.Timeout(connect: .seconds(5), read: .seconds(15))
    // One request per connection, so that a request that hangs does not delay others.
    configuration.httpVersion = .http1Only
    configuration.connectionPool = HTTPClient.Configuration.ConnectionPool(
      idleTimeout: .seconds(60), concurrentHTTP1ConnectionsPerHostSoftLimit: connections)
    // The schedule decides about retries.
    configuration.connectionPool.retryConnectionEstablishment = false
    if isName { configuration.dnsOverride = [target.host: target.address] }
    return HTTPClient(configuration: configuration)
  }

  /// Closes all connections. Call it when no request is in flight.
  func shutDown() async {
    let all = clients.withLock { clients in
      defer { clients = [:] }
      return clients.values.map(\.client)
    }
    for client in all { await Self.shutDown(client) }
    resolver.shutDown()
  }

  private static func shutDown(_ client: HTTPClient) async {
    // It fails only if it was shut down already, or if connections were not closed in order, which is of no interest then.
    _ = try? await client.shutdown()
  }
}

/// Runs `body` for at most `limit`.
///
/// - Throws: ``RequestTimeout``; what `body` throws.
private func withTimeout<Value: Sendable>(_ limit: Duration, _ body: @escaping @Sendable () async throws -> Value) async throws -> Value {
  try await withThrowingTaskGroup(of: Value?.self) { group in
    group.addTask { try await body() }
    group.addTask {
      try await Task.sleep(for: limit)
      return nil
    }
    defer { group.cancelAll() }
    guard let first = try await group.next(), let value = first else { throw RequestTimeout() }
    return value
  }
}

/// A request took too long.
private struct RequestTimeout: Error {}

/// Why an endpoint did not respond.
struct WebhookRequestError: Error, CustomStringConvertible {
  var reason: String
  var description: String { reason }
}
