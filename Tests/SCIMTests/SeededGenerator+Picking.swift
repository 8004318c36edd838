import TestSupport

extension SeededGenerator {
  init(case number: Int) { self.init(seed: UInt64(number) &* 0x9E37_79B9_7F4A_7C15) }

  mutating func one<Element>(of elements: [Element]) -> Element { elements[Int.random(in: elements.indices, using: &self)] }

  mutating func happens(oneIn count: Int) -> Bool { Int.random(in: 0..<count, using: &self) == 0 }

  mutating func some<Element>(of elements: [Element], atMost count: Int) -> [Element] {
    (0..<Int.random(in: 0...count, using: &self)).map { _ in one(of: elements) }
  }
}
