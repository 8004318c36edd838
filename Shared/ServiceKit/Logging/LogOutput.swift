import Foundation
import Synchronization

/// A file descriptor for log lines. Lines of concurrent threads are not interleaved.
final class LogOutput: Sendable {
  private let descriptor: Int32
  private let lock = Mutex(())

  init(descriptor: Int32) {
    self.descriptor = descriptor
  }

  static let standardError = LogOutput(descriptor: STDERR_FILENO)

  /// Writes the bytes. Errors are ignored, since there is no other place to report them.
  func write(_ bytes: [UInt8]) {
    lock.withLock { _ in
      bytes.withUnsafeBytes { buffer in
        var rest = UnsafeRawBufferPointer(buffer)
        while !rest.isEmpty {
          let count = Foundation.write(descriptor, rest.baseAddress, rest.count)
          if count > 0 {
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
          } else if errno != EINTR && errno != EAGAIN {
            return
          }
        }
      }
    }
  }
}
