import Foundation
import Synchronization

/// Where log lines go: a file descriptor that is written to one whole line at a time.
final class LogOutput: Sendable {
  private let descriptor: Int32
  private let turn = Mutex(())

  init(descriptor: Int32) {
    self.descriptor = descriptor
  }

  static let standardError = LogOutput(descriptor: STDERR_FILENO)

  /// Writes the bytes. Where nobody can take them any more there is nobody to tell either, and the process goes on.
  func write(_ bytes: [UInt8]) {
    turn.withLock { _ in
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
