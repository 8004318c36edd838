import Foundation

extension Row {
  /// A `text[]`, `varchar[]` or `name[]` without null elements.
  public func textArray(_ column: Int) throws(PostgresDecodingError) -> [String] {
    try required(column, "text[]", optionalTextArray(column))
  }

  /// A `text[]`, `varchar[]` or `name[]` without null elements; nil for null.
  public func optionalTextArray(_ column: Int) throws(PostgresDecodingError) -> [String]? {
    try array(column, "text[]", [.textArray, .varcharArray, .nameArray]) { String(decoding: $0, as: UTF8.self) }
  }

  /// A `uuid[]` without null elements.
  public func uuidArray(_ column: Int) throws(PostgresDecodingError) -> [UUID] {
    try required(column, "uuid[]", optionalUUIDArray(column))
  }

  /// A `uuid[]` without null elements; nil for null.
  public func optionalUUIDArray(_ column: Int) throws(PostgresDecodingError) -> [UUID]? {
    try array(column, "uuid[]", [.uuidArray]) { UUID(bytes: $0) }
  }

  /// An `int2[]`, `int4[]` or `int8[]` without null elements.
  public func intArray(_ column: Int) throws(PostgresDecodingError) -> [Int] {
    try required(column, "integer[]", optionalIntArray(column))
  }

  /// An `int2[]`, `int4[]` or `int8[]` without null elements; nil for null.
  public func optionalIntArray(_ column: Int) throws(PostgresDecodingError) -> [Int]? {
    try array(column, "integer[]", [.int8Array, .int4Array, .int2Array]) { bytes in
      switch bytes.count {
      case 8: Int(Int64(bigEndian: bytes))
      case 4: Int(Int32(truncatingIfNeeded: Int64(bigEndian: bytes)))
      case 2: Int(Int16(truncatingIfNeeded: Int64(bigEndian: bytes)))
      default: nil
      }
    }
  }

  /// A `bool[]` without null elements.
  public func boolArray(_ column: Int) throws(PostgresDecodingError) -> [Bool] {
    try required(column, "bool[]", optionalBoolArray(column))
  }

  /// A `bool[]` without null elements; nil for null.
  public func optionalBoolArray(_ column: Int) throws(PostgresDecodingError) -> [Bool]? {
    try array(column, "bool[]", [.boolArray]) { $0.first.map { $0 != 0 } }
  }

  /// A `bytea[]` without null elements.
  public func bytesArray(_ column: Int) throws(PostgresDecodingError) -> [[UInt8]] {
    try required(column, "bytea[]", optionalBytesArray(column))
  }

  /// A `bytea[]` without null elements; nil for null.
  public func optionalBytesArray(_ column: Int) throws(PostgresDecodingError) -> [[UInt8]]? {
    try array(column, "bytea[]", [.byteaArray]) { Array($0) }
  }

  /// A `timestamptz[]` without null elements.
  public func timestampArray(_ column: Int) throws(PostgresDecodingError) -> [Date] {
    try required(column, "timestamptz[]", optionalTimestampArray(column))
  }

  /// A `timestamptz[]` without null elements; nil for null.
  public func optionalTimestampArray(_ column: Int) throws(PostgresDecodingError) -> [Date]? {
    try array(column, "timestamptz[]", [.timestamptzArray]) { bytes in
      bytes.count == 8 ? Timestamps.date(Int64(bigEndian: bytes)) : nil
    }
  }

  private func array<Element>(
    _ column: Int, _ expected: String, _ accepted: Set<TypeID>, _ decode: (ArraySlice<UInt8>) -> Element?
  ) throws(PostgresDecodingError) -> [Element]? {
    guard try isPresent(column, expected, { accepted.contains($0) }) else { return nil }
    var reader = ArrayReader(bytes: result.bytes(index, column)[...])
    guard let count = reader.elementCount() else { throw mismatch(column, expected, found: "an array of several dimensions") }
    var elements: [Element] = []
    elements.reserveCapacity(count)
    for position in 0..<count {
      guard let bytes = reader.nextElement() else {
        throw mismatch(column, expected, found: "an array whose element \(position + 1) is null")
      }
      elements.append(try wellFormed(column, expected, decode(bytes)))
    }
    return elements
  }
}

/// Reads the binary format of an array: dimensions, flags and element type, then each dimension's length and lower bound, then each
/// element behind its length.
private struct ArrayReader {
  var bytes: ArraySlice<UInt8>

  /// The number of elements; nil where the array is not flat.
  mutating func elementCount() -> Int? {
    guard let dimensions = int32(), int32() != nil, int32() != nil else { return nil }
    guard dimensions > 0 else { return 0 }
    guard dimensions == 1, let count = int32(), int32() != nil else { return nil }
    return Int(count)
  }

  /// The next element; nil where it is null.
  mutating func nextElement() -> ArraySlice<UInt8>? {
    guard let length = int32(), length >= 0, length <= bytes.count else { return nil }
    defer { bytes = bytes.dropFirst(Int(length)) }
    return bytes.prefix(Int(length))
  }

  private mutating func int32() -> Int32? {
    guard bytes.count >= 4 else { return nil }
    defer { bytes = bytes.dropFirst(4) }
    return Int32(truncatingIfNeeded: Int64(bigEndian: bytes.prefix(4)))
  }
}

extension Int64 {
  /// The number that at most eight bytes hold, most significant first, without regard to a sign in fewer than eight.
  fileprivate init(bigEndian bytes: some Sequence<UInt8>) {
    self = bytes.reduce(0) { $0 << 8 | Int64($1) }
  }
}

extension UUID {
  fileprivate init?(bytes: ArraySlice<UInt8>) {
    guard bytes.count == MemoryLayout<uuid_t>.size else { return nil }
    var uuid: uuid_t = (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    withUnsafeMutableBytes(of: &uuid) { $0.copyBytes(from: bytes) }
    self.init(uuid: uuid)
  }
}
