import Foundation
import Kafka
import Logging
import Synchronization
import TestSupport
import Testing

@Suite("Credentials that the brokers reject")
struct RejectedCredentialsTests {
  private static let properties = [
    "security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "PLAIN", "sasl.username": "rollcall", "sasl.password": "wrong",
  ]

  @Test("are reported as the reason for an unreachable cluster, with advice")
  func reachability() async throws {
    let broker = try RejectingBroker()
    let reachability = try Reachability(
      KafkaConfiguration(bootstrapServers: broker.address, clientID: "test", properties: Self.properties), logger: quiet)
    try await eventually("the reason to be known") {
      let problem = try #require(await reachability.check(timeout: .milliseconds(500)))
      return problem.contains("the password is wrong") && problem.contains("check sasl.mechanism, sasl.username and sasl.password")
    }
  }

  @Test("are logged as a warning, but not at every attempt")
  func warning() async throws {
    let broker = try RejectingBroker()
    let lines = LogLines()
    let logger = Logger(label: "kafka", factory: { _ in lines })
    let configuration = KafkaConfiguration(bootstrapServers: broker.address, clientID: "test", properties: Self.properties)
    let producer = try Producer(configuration, logger: logger)
    func warnings() -> [LogLines.Line] { lines.all.filter { $0.level == .warning && $0.text.contains("the password is wrong") } }
    try await eventually("several attempts") { broker.attempts > 3 && !warnings().isEmpty }
    // The client attempts to connect every second, and logs a warning every 30 seconds.
    let logged = warnings()
    #expect(logged.count * 2 <= broker.attempts)
    #expect(logged.first?.text.contains("sasl.password") == true)
    await producer.close(timeout: .zero)
  }
}

/// A log handler that stores the lines.
private final class LogLines: LogHandler, Sendable {
  struct Line: Sendable {
    var level: Logger.Level
    var text: String
  }

  private let lines = Mutex<[Line]>([])
  var all: [Line] { lines.withLock { $0 } }

  var logLevel: Logger.Level {
    get { .debug }
    set {}
  }
  var metadata: Logger.Metadata {
    get { [:] }
    set {}
  }
  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { nil }
    set {}
  }

  func log(event: LogEvent) {
    lines.withLock { $0.append(Line(level: event.level, text: "\(event.message)")) }
  }
}

/// A broker that rejects all credentials. It implements only ApiVersions, SaslHandshake and SaslAuthenticate of Kafka's protocol.
private final class RejectingBroker: Sendable {
  let address: String
  private let listener: Int32
  private let counter = Counter()

  private final class Counter: Sendable {
    let attempts = Atomic<Int>(0)
  }

  /// How often credentials were rejected.
  var attempts: Int { counter.attempts.load(ordering: .relaxed) }

  init() throws {
    let port = try FreePort.find()
    address = "127.0.0.1:\(port)"
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    listener = descriptor
    var socketAddress = sockaddr_in()
    socketAddress.sin_family = sa_family_t(AF_INET)
    socketAddress.sin_port = in_port_t(port).bigEndian
    socketAddress.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
    let isBound = withUnsafePointer(to: &socketAddress) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0 }
    }
    guard isBound, listen(descriptor, 64) == 0 else { throw POSIXError(.EADDRINUSE) }
    let counter = counter
    Thread.detachNewThread {
      while true {
        let connection = accept(descriptor, nil, nil)
        guard connection >= 0 else { return }
        Thread.detachNewThread { Self.serve(connection, counter) }
      }
    }
  }

  deinit {
    shutdown(listener, Int32(SHUT_RDWR))
    close(listener)
  }

  private static func serve(_ connection: Int32, _ counter: Counter) {
    defer { close(connection) }
    while let head = read(connection, 4), let request = read(connection, Int(number(head))), request.count >= 8 {
      let (key, version) = (Int16(number(request[0..<2])), Int16(number(request[2..<4])))
      var answer = Array(request[4..<8])
      switch key {
      case 18 where version >= 3:
        // Compact arrays, each entry with a tag buffer.
        answer += bytes(Int16(0)) + [4]
        for (key, maximum) in apis { answer += bytes(key) + bytes(Int16(0)) + bytes(maximum) + [0] }
        answer += bytes(Int32(0)) + [0]
      case 18:
        answer += bytes(Int16(0)) + bytes(Int32(apis.count))
        for (key, maximum) in apis { answer += bytes(key) + bytes(Int16(0)) + bytes(maximum) }
        if version >= 1 { answer += bytes(Int32(0)) }
      case 17:
        answer += bytes(Int16(0)) + bytes(Int32(1)) + text("PLAIN")
      case 36:
        // SASL_AUTHENTICATION_FAILED
        answer += bytes(Int16(58)) + text("the password is wrong") + bytes(Int32(0))
        counter.attempts.add(1, ordering: .relaxed)
      default: return
      }
      let frame = bytes(Int32(answer.count)) + answer
      let sent = frame.withUnsafeBytes { send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      guard sent == frame.count else { return }
    }
  }

  private static let apis: [(Int16, Int16)] = [(17, 1), (18, 3), (36, 0)]

  private static func read(_ connection: Int32, _ count: Int) -> [UInt8]? {
    var received: [UInt8] = []
    while received.count < count {
      var buffer = [UInt8](repeating: 0, count: count - received.count)
      let length = recv(connection, &buffer, buffer.count, 0)
      guard length > 0 else { return nil }
      received += buffer[0..<length]
    }
    return received
  }

  private static func number(_ bytes: some Collection<UInt8>) -> Int { bytes.reduce(0) { $0 << 8 | Int($1) } }
  private static func bytes(_ value: some FixedWidthInteger) -> [UInt8] { withUnsafeBytes(of: value.bigEndian) { Array($0) } }
  private static func text(_ text: String) -> [UInt8] { bytes(Int16(text.utf8.count)) + Array(text.utf8) }
}
