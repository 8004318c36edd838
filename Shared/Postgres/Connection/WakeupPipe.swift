import Foundation

/// A pipe by which any thread wakes the one thread that polls a socket.
final class WakeupPipe: Sendable {
  private let readEnd: Int32
  private let writeEnd: Int32

  /// - Throws: `POSIXError` where the process has no more file descriptors.
  init() throws {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EMFILE) }
    readEnd = ends[0]
    writeEnd = ends[1]
    for end in ends {
      _ = fcntl(end, F_SETFL, fcntl(end, F_GETFL) | O_NONBLOCK)
      _ = fcntl(end, F_SETFD, FD_CLOEXEC)
    }
  }

  deinit {
    close(readEnd)
    close(writeEnd)
  }

  /// Ends the current wait, or the next one if the thread is not waiting.
  func signal() {
    var byte: UInt8 = 1
    // A full pipe wakes the thread too.
    _ = write(writeEnd, &byte, 1)
  }

  /// What the socket is ready for.
  struct Readiness {
    var isReadable = false
    var isWritable = false
  }

  /// Blocks until `socket` is ready, ``signal()`` is called or `timeout` milliseconds have passed (-1: no timeout).
  func wait(on socket: Int32, forReading: Bool, forWriting: Bool, timeout: Int32) -> Readiness {
    var descriptors = (
      pollfd(fd: socket, events: Int16(forReading ? POLLIN : 0) | Int16(forWriting ? POLLOUT : 0), revents: 0),
      pollfd(fd: readEnd, events: Int16(POLLIN), revents: 0)
    )
    let count = withUnsafeMutableBytes(of: &descriptors) { bytes in
      poll(bytes.assumingMemoryBound(to: pollfd.self).baseAddress, 2, timeout)
    }
    // A wait that is interrupted (EINTR) ends early; every caller checks its state again.
    guard count > 0 else { return Readiness() }
    if descriptors.1.revents != 0 { drain() }
    let failed = descriptors.0.revents & Int16(POLLERR | POLLHUP | POLLNVAL) != 0
    return Readiness(
      isReadable: failed || descriptors.0.revents & Int16(POLLIN) != 0, isWritable: failed || descriptors.0.revents & Int16(POLLOUT) != 0)
  }

  private func drain() {
    var bytes: (UInt64, UInt64) = (0, 0)
    _ = read(readEnd, &bytes, MemoryLayout.size(ofValue: bytes))
  }
}
