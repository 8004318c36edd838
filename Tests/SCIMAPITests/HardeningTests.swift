import Foundation
import Logging
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

@Suite("Hardening", .timeLimit(.minutes(10)))
struct HardeningTests {
  @Test(
    "Every response tells browsers not to sniff, cache, frame or run anything",
    arguments: [
      ("GET", "/Schemas", 200), ("GET", "/Users/42", 404), ("GET", "/Nothing", 404), ("DELETE", "/Users", 405), ("GET", "/Me", 501),
    ])
  func headers(method: String, path: String, status: Int) async throws {
    try await serving(EdgeBuilder()) { client in
      let answer = try await client.send(method, path)
      #expect(answer.status == status)
      #expect(answer.headers["x-content-type-options"] == "nosniff")
      #expect(answer.headers["cache-control"] == "no-store")
      #expect(answer.headers["referrer-policy"] == "no-referrer")
      #expect(answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'")
      #expect(answer.headers["strict-transport-security"] == nil)
      #expect(try await HTTPClient(port: client.port, token: "wrong").send(method, path).headers["cache-control"] == "no-store")
    }
  }

  // MARK: - Invalid requests

  @Test(
    "An invalid or too large request gets one SCIM error, and its connection is closed",
    arguments: [
      ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400), ("\u{1}\u{2}\r\n\r\n", 400), ("GET /\u{0} HTTP/1.1\r\n\r\n", 400),
      ("GET /a HTTP/1.1\r\nA: b\r\n C: d\r\n\r\n", 400), ("GET /a HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
      ("GET /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n", 400),
      ("GET /a HTTP/1.1\r\nA: \(String(repeating: "b", count: 20_000))\r\n\r\n", 431),
      ("GET /a HTTP/1.1\r\n\(String(repeating: "A: b\r\n", count: 200))\r\n", 431),
      ("GET /api/v2/scim/Users?filter=\(String(repeating: "b", count: 10_000)) HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 414),
      ("GET /\(String(repeating: "b", count: 30_000)) HTTP/1.1\r\nHost: a\r\n\r\n", 431),
    ])
  func malformed(text: String, status: Int) async throws {
    try await serving(EdgeBuilder()) { client in
      let answer = try await client.exchange(text)
      #expect(answer.hasPrefix("HTTP/1.1 \(status) "), "\(answer.prefix(300))")
      #expect(answer.components(separatedBy: "HTTP/1.1 \(status) ").count == 2)
      #expect(answer.contains("\"status\":\"\(status)\""))
      #expect(answer.contains("nosniff"))
    }
  }

  @Test("A malformed chunk is a client error, and earlier pipelined requests are answered first")
  func malformedBody() async throws {
    try await serving(EdgeBuilder()) { client in
      let head = "Host: a\r\nAuthorization: Bearer \(client.token)\r\nContent-Type: application/scim+json\r\n"
      let chunked = try await client.exchange(
        "POST /api/v2/scim/Users HTTP/1.1\r\n\(head)Transfer-Encoding: chunked\r\n\r\n5\r\n{\"a\":\r\nzz\r\n")
      #expect(chunked.hasPrefix("HTTP/1.1 400 "), "\(chunked)")
      let pipelined = try await client.exchange("GET /api/v2/scim/Schemas HTTP/1.1\r\n\(head)\r\nGARBAGE\r\n\r\n")
      #expect(pipelined.hasPrefix("HTTP/1.1 200 "), "\(pipelined.prefix(200))")
      #expect(pipelined.contains("HTTP/1.1 400 "))
    }
  }

  // MARK: - TLS

  @Test("Over TLS 1.2 or later it serves HTTPS with HSTS, and reloads a renewed certificate")
  func tls() async throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("tls-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let (chain, key) = (folder.appendingPathComponent("chain.pem").path, folder.appendingPathComponent("key.pem").path)
    @Sendable func renew(days: Int) async throws {
      try await run(
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key, "-out", chain,
        "-days", "\(days)", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost")
    }
    try await renew(days: 10)
    var builder = EdgeBuilder()
    builder.certificate = try Certificate(
      chain: chain, key: key, interval: .zero, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    try await serving(builder) { client in
      @Sendable func fetch(_ options: String...) async throws -> String {
        try await run(
          ["curl", "--silent", "--show-error", "--include", "--max-time", "300", "--cacert", chain] + options + [
            "--header", "Authorization: Bearer \(client.token)", "https://localhost:\(client.port)/api/v2/scim/Schemas",
          ])
      }
      let answer = try await fetch()
      #expect(answer.hasPrefix("HTTP/1.1 200"), "\(answer.prefix(300))")
      #expect(answer.lowercased().contains("strict-transport-security: max-age=31536000\r\n"))
      #expect(try await fetch("--tlsv1.2", "--tls-max", "1.2").hasPrefix("HTTP/1.1 200"))
      await #expect(throws: (any Error).self) { try await fetch("--tlsv1.0", "--tls-max", "1.1") }
      // Without TLS there is no response.
      #expect(try await client.exchange("GET / HTTP/1.1\r\n\r\n").isEmpty)
      // Only the new certificate is trusted now.
      try await renew(days: 20)
      #expect(try await fetch().hasPrefix("HTTP/1.1 200"))
      // An invalid certificate changes nothing.
      try Data("none".utf8).write(to: URL(fileURLWithPath: key))
      #expect(try await fetch().hasPrefix("HTTP/1.1 200"))
    }
  }

  // MARK: - Injection

  @Test("Client input cannot inject a header into the response")
  func responseHeaders() async throws {
    try await serving(EdgeBuilder()) { client in
      for path in ["/Users/a%0d%0aX-Injected:%20b", "/Nothing%0d%0aX-Injected:%20b", "/Users?filter=%0d%0aX-Injected:%20b%20eq%20%22a%22"] {
        let answer = try await client.send("GET", path, headers: ["Accept": "application/json", "traceparent": "00-x%0d%0aX-Injected: b"])
        #expect(answer.headers["x-injected"] == nil)
        #expect(answer.status >= 400 && answer.status < 500)
      }
      // As bytes they are not valid headers.
      for name in ["User-Agent", "Accept", "If-Match", "X-Forwarded-Host"] {
        let text = try await client.exchange(
          "GET /api/v2/scim/Schemas HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\(name): a\rX-Injected: b\r\n\r\n")
        #expect(!text.lowercased().contains("\r\nx-injected"), "\(text)")
        #expect(!text.hasPrefix("HTTP/1.1 5"), "\(text)")
      }
    }
  }
}

@discardableResult
private func run(_ command: String...) async throws -> String { try await run(command) }

/// Runs a command and returns its output.
private func run(_ command: [String]) async throws -> String {
  let process = Process()
  process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
  process.arguments = command
  let output = Pipe()
  process.standardOutput = output
  process.standardError = FileHandle.nullDevice
  process.standardInput = FileHandle.nullDevice
  try process.runWithSignalsUnblocked()
  // Not on the threads of the server.
  let text = await withCheckedContinuation { continuation in
    DispatchQueue.global().async {
      continuation.resume(returning: String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self))
    }
  }
  process.waitUntilExit()
  guard process.terminationStatus == 0 else { throw CocoaError(.executableLoad) }
  return text
}
