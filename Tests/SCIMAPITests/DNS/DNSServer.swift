import Foundation

/// A name server on a free UDP port of the loopback interface, for TXT records.
///
/// `@unchecked Sendable` is safe because its properties are constant.
final class DNSServer: @unchecked Sendable {
  /// The answer to a query.
  enum Answer: Sendable {
    /// TXT records, each with its strings.
    case records([[String]])
    /// A response code without records: 0 for no data, 2 for a failure of the server, 3 for a name that does not exist.
    case code(UInt8)
    /// Bytes that are not a DNS message.
    case garbage
    /// No answer at all.
    case none
  }

  /// The address for a resolver.
  let address: String
  private let descriptor: Int32

  /// Starts a server that answers queries by name.
  init(_ answer: @escaping @Sendable (_ name: String) -> Answer) throws {
    let opened = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
    guard opened >= 0 else { throw POSIXError(.init(rawValue: errno) ?? .EIO) }
    var local = sockaddr_in()
    local.sin_family = sa_family_t(AF_INET)
    local.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let status = Self.withGeneric(&local) { bind(opened, $0, size) }
    guard status == 0, Self.withGeneric(&local, { getsockname(opened, $0, &size) }) == 0 else {
      throw POSIXError(.init(rawValue: errno) ?? .EIO)
    }
    address = "127.0.0.1:\(UInt16(bigEndian: local.sin_port))"
    descriptor = opened
    Thread { Self.serve(opened, answer) }.start()
  }

  /// Ends the thread, which is blocked in `recvfrom`.
  func stop() {
    shutdown(descriptor, Int32(SHUT_RDWR))
  }

  private static func serve(_ socket: Int32, _ answer: (String) -> Answer) {
    defer { close(socket) }
    var buffer = [UInt8](repeating: 0, count: 1500)
    while true {
      var client = sockaddr_in()
      var size = socklen_t(MemoryLayout<sockaddr_in>.size)
      let count = withGeneric(&client) { recvfrom(socket, &buffer, buffer.count, 0, $0, &size) }
      guard count > 0 else { return }
      guard let response = response(to: Array(buffer[..<count]), answer) else { continue }
      _ = withGeneric(&client) { sendto(socket, response, response.count, 0, $0, size) }
    }
  }

  /// The response to a query with one question (RFC 1035 §4).
  private static func response(to query: [UInt8], _ answer: (String) -> Answer) -> [UInt8]? {
    guard query.count > 12 else { return nil }
    var labels: [String] = []
    var index = 12
    while index < query.count, query[index] > 0 {
      let end = index + 1 + Int(query[index])
      guard end < query.count else { return nil }
      labels.append(String(decoding: query[(index + 1)..<end], as: UTF8.self))
      index = end
    }
    guard index + 5 <= query.count else { return nil }
    let question = query[12..<(index + 5)]
    func message(code: UInt8, records: [[String]]) -> [UInt8] {
      // A response to a recursive query, with one question.
      var bytes = Array(query[..<2]) + [0x81, 0x80 | code, 0, 1] + number(records.count) + [0, 0, 0, 0] + question
      for strings in records {
        let data = strings.flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) }
        // The name of the question, TXT, IN, and a time to live of 60 s.
        bytes += [0xC0, 12, 0, 16, 0, 1, 0, 0, 0, 60] + number(data.count) + data
      }
      return bytes
    }
    switch answer(labels.joined(separator: ".")) {
    case .records(let records): return message(code: 0, records: records)
    case .code(let code): return message(code: code, records: [])
    case .garbage: return Array(query[..<2]) + [0x81, 0x80, 0, 1, 0, 9, 0xFF, 0xFF]
    case .none: return nil
    }
  }

  private static func number(_ value: Int) -> [UInt8] { [UInt8(value >> 8 & 0xFF), UInt8(value & 0xFF)] }

  private static func withGeneric<Result>(_ address: inout sockaddr_in, _ body: (UnsafeMutablePointer<sockaddr>) -> Result) -> Result {
    withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1, body)
    }
  }
}
