import Glibc
import Synchronization

/// A generator of random numbers from the operating system, which are fetched in blocks and shared by all threads.
///
/// Every request needs several ids. A system call for each eight bytes would cost more than everything else about an id.
public struct BlockRandomNumberGenerator: RandomNumberGenerator, Sendable {
  private struct Block {
    var numbers: [UInt64] = []

    mutating func next() -> UInt64 {
      if numbers.isEmpty { refill() }
      return numbers.removeLast()
    }

    private mutating func refill() {
      numbers = [UInt64](repeating: 0, count: BlockRandomNumberGenerator.blockSize)
      let isFilled = numbers.withUnsafeMutableBytes { getentropy($0.baseAddress, $0.count) == 0 }
      guard !isFilled else { return }
      // The kernel does not have the call.
      var system = SystemRandomNumberGenerator()
      for index in numbers.indices { numbers[index] = system.next() }
    }
  }

  /// 256 bytes: the most that one call returns.
  static let blockSize = 32
  private static let block = Mutex(Block())

  /// Creates a generator; all of them share one block.
  public init() {}

  /// The next number.
  public func next() -> UInt64 { Self.block.withLock { $0.next() } }
}
