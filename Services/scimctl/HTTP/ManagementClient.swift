import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import NIOSSL
import SCIM

/// A client of the management API and the product API.
///
/// It sends requests again after lost connections, and after 429 and 503 when `Retry-After` allows. Writes have an `Idempotency-Key`, so a
/// repetition changes nothing twice. It follows no redirects: they would carry the token to another host.
struct ManagementClient: Sendable {
  /// The server.
  let server: ManagementServer
  private let http: HTTPClient

  /// The maximum number of attempts for a request.
  private static let maximumAttempts = 5
  /// The longest pause before another attempt that the server can ask for.
  private static let maximumPause = 30
  /// The largest response, in bytes.
  private static let maximumBody = 256 << 20

  /// Runs `body` with a client, and closes its connections afterwards.
  ///
  /// - Throws: Whatever `body` throws; ``ScimctlError`` if the certificate authorities cannot be read.
  static func with<Value: Sendable>(
    _ server: ManagementServer, _ body: (ManagementClient) async throws -> Value
  ) async throws -> Value {
    let http = HTTPClient(configuration: try configuration(for: server))
    do {
      let value = try await body(ManagementClient(server: server, http: http))
      await close(http)
      return value
    } catch {
      await close(http)
      throw error
    }
  }

  private static func close(_ http: HTTPClient) async {
    // It fails only if connections were not closed in order, which changes nothing for the command.
    do { try await http.shutdown() } catch {}
  }

  private static func configuration(for server: ManagementServer) throws -> HTTPClient.Configuration {
    var configuration = HTTPClient.Configuration()
    configuration.redirectConfiguration = .disallow
    configuration.timeout = HTTPClient.Configuration.Timeout(connect: .seconds(10), read: .seconds(120))
    configuration.httpVersion = .http1Only
    // The client repeats requests itself.
    configuration.connectionPool.retryConnectionEstablishment = false
    configuration.decompression = .enabled(limit: .size(maximumBody))
    if let path = server.authorities {
      var tls = TLSConfiguration.makeClientConfiguration()
      do {
        tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(path))
      } catch {
        throw ScimctlError(.configuration, "the certificate authorities in '\(path)' cannot be read: \(error)")
      }
      configuration.tlsConfiguration = tls
    }
    return configuration
  }

  // MARK: Requests

  /// Sends a request.
  ///
  /// - Throws: ``ServerProblem`` for an error response, which ``ScimctlError/init(_:from:)`` turns into the operator's error;
  ///   ``ScimctlError`` if there is no response.
  func response(to request: ManagementRequest) async throws -> ManagementResponse {
    let key = request.method == .get || !request.isRepeatable ? nil : request.idempotencyKey ?? UUID().uuidString
    var attempt = 1
    while true {
      let isLast = attempt == Self.maximumAttempts || !request.isRepeatable
      do {
        let response = try await exchange(request, key: key)
        guard !isLast, let pause = Self.pause(after: response, attempt: attempt) else { return try Self.checked(response) }
        try await Task.sleep(for: pause)
      } catch let error where !isLast && Self.isAboutConnection(error) {
        try await Task.sleep(for: Self.pause(attempt: attempt))
      } catch let error where Self.isAboutConnection(error) {
        throw Self.unavailable(error, server)
      }
      attempt += 1
    }
  }

  /// Sends a request.
  ///
  /// - Throws: ``ScimctlError`` for an error response, or if there is no response.
  @discardableResult
  func send(_ request: ManagementRequest) async throws -> ManagementResponse {
    do {
      return try await response(to: request)
    } catch let problem as ServerProblem {
      throw ScimctlError(problem, from: server.site)
    }
  }

  /// Sends a GET request.
  func get(_ path: APIPath, query: [(name: String, value: String?)] = []) async throws -> ManagementResponse {
    try await send(ManagementRequest(.get, path, query: query))
  }

  /// Sends a POST request with a JSON body.
  @discardableResult
  func post(_ path: APIPath, _ body: JSONObject = [:]) async throws -> ManagementResponse {
    try await send(ManagementRequest(.post, path, json: body))
  }

  /// Sends a DELETE request.
  @discardableResult
  func delete(_ path: APIPath) async throws -> ManagementResponse { try await send(ManagementRequest(.delete, path)) }

  // MARK: Attempts

  private func exchange(_ request: ManagementRequest, key: String?) async throws -> ManagementResponse {
    let timeout = TimeAmount.nanoseconds(Int64(request.timeout / .nanoseconds(1)))
    let response = try await http.execute(httpRequest(request, key: key), timeout: timeout)
    var body: [UInt8] = []
    for try await part in response.body {
      body += part.readableBytesView
      guard body.count <= Self.maximumBody else {
        throw ScimctlError(.internal, "the server's response is larger than \(Self.maximumBody >> 20) MiB")
      }
    }
    return ManagementResponse(status: Int(response.status.code), headers: Self.headers(of: response), body: body)
  }

  /// The request with its headers.
  private func httpRequest(_ request: ManagementRequest, key: String?) -> HTTPClientRequest {
    var sent = HTTPClientRequest(url: server.site + request.target)
    sent.method = HTTPMethod(rawValue: request.method.rawValue)
    sent.headers.add(name: "authorization", value: "Bearer \(server.token)")
    sent.headers.add(name: "accept", value: "application/json, application/problem+json, application/x-ndjson")
    sent.headers.add(name: "user-agent", value: "scimctl")
    if let key { sent.headers.add(name: "idempotency-key", value: key) }
    for header in request.headers { sent.headers.add(name: header.name, value: header.value) }
    if let body = request.body {
      sent.headers.add(name: "content-type", value: request.contentType)
      sent.body = .bytes(ByteBuffer(bytes: body))
    }
    return sent
  }

  private static func headers(of response: HTTPClientResponse) -> [String: String] {
    var headers: [String: String] = [:]
    for (name, value) in response.headers { headers[name.lowercased()] = value }
    return headers
  }

  private static func checked(_ response: ManagementResponse) throws -> ManagementResponse {
    guard (200..<300).contains(response.status) else { throw ServerProblem(status: response.status, body: response.body) }
    return response
  }

  /// How long to wait before another attempt; nil if the response is final.
  private static func pause(after response: ManagementResponse, attempt: Int) -> Duration? {
    switch response.status {
    case 429, 503:
      guard let seconds = response.headers["retry-after"].flatMap(Int.init) else { return pause(attempt: attempt) }
      // A longer pause is reported instead, with the server's words.
      return seconds <= maximumPause ? .seconds(max(seconds, 1)) : nil
    // A proxy whose server restarts.
    case 502, 504: return pause(attempt: attempt)
    default: return nil
    }
  }

  /// 0.2 s, 0.4 s, 0.8 s and so on.
  private static func pause(attempt: Int) -> Duration { .milliseconds(100 << min(attempt, 6)) }

  private static func isAboutConnection(_ error: any Error) -> Bool {
    !(error is ServerProblem || error is ScimctlError || error is CancellationError)
  }

  private static func unavailable(_ error: any Error, _ server: ManagementServer) -> ScimctlError {
    let reason: String =
      switch error as? HTTPClientError {
      case .connectTimeout: "it accepts no connection"
      case .deadlineExceeded, .readTimeout: "it did not respond in time"
      case .remoteConnectionClosed: "it closed the connection without a response"
      default: "\(error)"
      }
    return ScimctlError(.unavailable, "\(server.site) does not answer: \(reason). Is scim-api running, and is this its URL?")
  }
}

// MARK: - Streams

extension ManagementClient {
  /// Sends a request once, and passes the body of its response on as it arrives.
  ///
  /// - Throws: ``ScimctlError`` for an error response or a lost connection; whatever `receive` throws.
  func stream(_ request: ManagementRequest, _ receive: ([UInt8]) throws -> Void) async throws {
    let timeout = TimeAmount.nanoseconds(Int64(request.timeout / .nanoseconds(1)))
    var failure: (any Error)?
    do {
      let response = try await http.execute(httpRequest(request, key: nil), timeout: timeout)
      guard (200..<300).contains(Int(response.status.code)) else {
        let body = try await response.body.collect(upTo: Self.maximumBody)
        throw ScimctlError(
          ServerProblem(status: Int(response.status.code), body: Array(body.readableBytesView)), from: server.site)
      }
      for try await part in response.body {
        do {
          try receive(Array(part.readableBytesView))
        } catch {
          failure = error
          throw error
        }
      }
    } catch {
      if let failure { throw failure }
      throw Self.isAboutConnection(error) ? Self.unavailable(error, server) : error
    }
  }
}
