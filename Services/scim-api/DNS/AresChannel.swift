import CAres
import Foundation

/// A channel of c-ares for one look-up. It blocks its thread.
///
/// The only file with pointers of c-ares: the channel is destroyed with its owner.
final class AresChannel {
  private let channel: ares_channel

  /// How often c-ares asks each server.
  private static let tries: Int32 = 2
  /// c-ares keeps global state, which is initialised once.
  private static let isInitialised: Bool = rollcall_ares_is_success(ares_library_init(ARES_LIB_INIT_ALL)) != 0

  /// - Throws: ``DNSError``.
  init(servers: String?, timeout: Duration) throws {
    guard Self.isInitialised else { throw DNSError.failed("c-ares cannot be initialised") }
    // The list is checked here, because c-ares ignores what it cannot read.
    if let servers, !Self.isList(servers) { throw DNSError.servers(servers) }
    var created: ares_channel?
    let perTry = Int32(clamping: max(1, timeout.milliseconds / Int(Self.tries)))
    let status = rollcall_ares_init(&created, perTry, Self.tries)
    guard rollcall_ares_is_success(status) != 0, let created else { throw DNSError.failed(Self.text(of: status)) }
    if let servers, rollcall_ares_is_success(ares_set_servers_ports_csv(created, servers)) == 0 {
      ares_destroy(created)
      throw DNSError.servers(servers)
    }
    channel = created
  }

  deinit { ares_destroy(channel) }

  /// The texts of the TXT records of a name.
  ///
  /// - Throws: ``DNSError``.
  func records(of name: String, within timeout: Duration) throws -> [String] {
    let answer = Answer()
    let context = Unmanaged.passRetained(answer)
    defer { context.release() }
    rollcall_ares_query_txt(
      channel, name,
      { context, status, _, bytes, count in
        guard let context else { return }
        Unmanaged<Answer>.fromOpaque(context).takeUnretainedValue().take(status, bytes, count)
      }, context.toOpaque())
    let deadline = ContinuousClock.now + timeout
    while answer.outcome == nil {
      let left = deadline - .now
      // The callback is called for the cancelled query, too.
      guard left > .zero else {
        ares_cancel(channel)
        throw DNSError.timeout
      }
      process(within: left)
    }
    return try answer.outcome?.get() ?? []
  }

  /// Waits for the sockets of the channel, and lets c-ares read, write and repeat.
  private func process(within limit: Duration) {
    var sockets = [ares_socket_t](repeating: rollcall_ares_no_socket, count: Int(rollcall_ares_maximum_sockets))
    let bits = ares_getsock(channel, &sockets, rollcall_ares_maximum_sockets)
    var waiting: [pollfd] = []
    for (index, socket) in sockets.enumerated() {
      let reads = rollcall_ares_is_readable(bits, Int32(index)) != 0
      let writes = rollcall_ares_is_writable(bits, Int32(index)) != 0
      guard reads || writes else { continue }
      waiting.append(pollfd(fd: socket, events: Int16((reads ? POLLIN : 0) | (writes ? POLLOUT : 0)), revents: 0))
    }
    var (maximum, next) = (timeval(limit), timeval())
    let pause = ares_timeout(channel, &maximum, &next)?.pointee ?? maximum
    let ready = poll(&waiting, nfds_t(waiting.count), Int32(clamping: pause.milliseconds + 1))
    guard ready > 0 else { return ares_process_fd(channel, rollcall_ares_no_socket, rollcall_ares_no_socket) }
    for socket in waiting where socket.revents != 0 {
      // An error or a hang-up is found by reading.
      let isWritable = Int32(socket.revents) & POLLOUT != 0
      let isReadable = Int32(socket.revents) & ~POLLOUT != 0
      ares_process_fd(
        channel, isReadable ? socket.fd : rollcall_ares_no_socket, isWritable ? socket.fd : rollcall_ares_no_socket)
    }
  }

  private static func isList(_ servers: String) -> Bool {
    let entries = servers.split(separator: ",", omittingEmptySubsequences: false)
    return !entries.isEmpty && entries.count <= 16
      && entries.allSatisfy { entry in
        !entry.isEmpty && entry.allSatisfy { $0.isASCII && ($0.isHexDigit || ".:[]".contains($0)) }
      }
  }

  fileprivate static func text(of status: Int32) -> String { ares_strerror(status).map { String(cString: $0) } ?? "error \(status)" }
}

/// What the callback of a query has received. It is used on one thread only.
private final class Answer {
  private(set) var outcome: Result<[String], DNSError>?

  func take(_ status: Int32, _ bytes: UnsafeMutablePointer<UInt8>?, _ count: Int32) {
    guard rollcall_ares_is_absence(status) == 0 else {
      outcome = .success([])
      return
    }
    guard rollcall_ares_is_success(status) != 0 else {
      outcome = .failure(.failed(AresChannel.text(of: status)))
      return
    }
    var first: UnsafeMutablePointer<ares_txt_ext>?
    let parsed = ares_parse_txt_reply_ext(bytes, count, &first)
    defer { if let first { ares_free_data(first) } }
    guard rollcall_ares_is_absence(parsed) == 0 else {
      outcome = .success([])
      return
    }
    guard rollcall_ares_is_success(parsed) != 0 else {
      outcome = .failure(.failed(AresChannel.text(of: parsed)))
      return
    }
    var records: [[UInt8]] = []
    var next = first
    while let part = next?.pointee {
      if part.record_start != 0 || records.isEmpty { records.append([]) }
      records[records.count - 1] += UnsafeBufferPointer(start: part.txt, count: part.length)
      next = part.next
    }
    outcome = .success(records.map { String(decoding: $0, as: UTF8.self) })
  }
}

extension Duration {
  fileprivate var milliseconds: Int { Int(self / .milliseconds(1)) }
}

extension timeval {
  fileprivate init(_ duration: Duration) {
    let (seconds, attoseconds) = duration.components
    self.init(tv_sec: Int(seconds), tv_usec: Int(attoseconds / 1_000_000_000_000))
  }

  fileprivate var milliseconds: Int { Int(tv_sec) * 1000 + Int(tv_usec) / 1000 }
}
