import Foundation

/// A pipe by which any thread wakes the one thread that polls sockets.
final class WakeupPipe: Sendable {
  /// Readable after ``signal()``.
  let readEnd: Int32
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

  /// Removes the signals that have arrived.
  func drain() {
    var bytes: (UInt64, UInt64) = (0, 0)
    _ = read(readEnd, &bytes, MemoryLayout.size(ofValue: bytes))
  }
}
