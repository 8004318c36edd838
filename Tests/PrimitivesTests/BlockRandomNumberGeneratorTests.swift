import Testing

@testable import Primitives

@Suite("Random numbers in blocks")
struct BlockRandomNumberGeneratorTests {
  @Test("Numbers do not repeat, within a block and across blocks, also between concurrent tasks")
  func distinct() async {
    let count = 10 * BlockRandomNumberGenerator.blockSize
    let numbers = await withTaskGroup(of: [UInt64].self) { group in
      for _ in 0..<4 {
        group.addTask {
          let generator = BlockRandomNumberGenerator()
          return (0..<count).map { _ in generator.next() }
        }
      }
      return await group.reduce(into: []) { $0 += $1 }
    }
    #expect(Set(numbers).count == 4 * count)
  }

  @Test("Every bit is set in about half of the numbers")
  func bits() {
    let generator = BlockRandomNumberGenerator()
    var counts = [Int](repeating: 0, count: 64)
    for _ in 0..<4000 {
      let number = generator.next()
      for bit in 0..<64 where number >> UInt64(bit) & 1 == 1 { counts[bit] += 1 }
    }
    // 2000 is expected, with a standard deviation of 32.
    #expect(counts.allSatisfy { (1600...2400).contains($0) })
  }
}
