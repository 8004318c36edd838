import Testing

@testable import Kafka

@Suite("The partition of a key")
struct KeyPartitionerTests {
  // The hashes of Apache Kafka's own tests (UtilsTest.testMurmur2).
  @Test(
    "The hash is that of Java clients",
    arguments: [
      ("21", -973_932_308), ("foobar", -790_332_482), ("a-little-bit-long-string", -985_981_536),
      ("a-little-bit-longer-string", -1_486_304_829), ("abc", 479_470_107),
    ] as [(String, Int32)])
  func murmur2(key: String, hash: Int32) {
    for count in [1, 3, 12, 1000] {
      #expect(KeyPartitioner.partition(of: key, among: count) == (hash & Int32.max) % Int32(count))
    }
  }
}
