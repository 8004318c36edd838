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
    try array(column, "uuid[]", [.uuidArray]) { bytes in
      bytes.count == MemoryLayout<uuid_t>.size ? UUID(uuid: bytes.loadUnaligned(as: uuid_t.self)) : nil
    }
  }

  /// An `int2[]`, `int4[]` or `int8[]` without null elements.
  public func intArray(_ column: Int) throws(PostgresDecodingError) -> [Int] {
    try required(column, "integer[]", optionalIntArray(column))
  }

  /// An `int2[]`, `int4[]` or `int8[]` without null elements; nil for null.
  public func optionalIntArray(_ column: Int) throws(PostgresDecodingError) -> [Int]? {
    try array(column, "integer[]", [.int8Array, .int4Array, .int2Array]) { bytes in
      switch bytes.count {
      case 8: bytes.integer(as: Int64.self).map { Int($0) }
      case 4: bytes.integer(as: Int32.self).map { Int($0) }
      default: bytes.integer(as: Int16.self).map { Int($0) }
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
    try array(column, "timestamptz[]", [.timestamptzArray]) { $0.integer(as: Int64.self).map(Timestamps.date) }
  }

  private func array<Element>(
    _ column: Int, _ expected: String, _ accepted: [TypeID], _ decode: (UnsafeRawBufferPointer) -> Element?
  ) throws(PostgresDecodingError) -> [Element]? {
    guard try isPresent(column, expected, { accepted.contains($0) }) else { return nil }
    return try result.withValue(index, column) { bytes throws(PostgresDecodingError) in
      var reader = ArrayReader(bytes: bytes)
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
}

/// Reads the binary format of an array: dimensions, flags and element type, then each dimension's length and lower bound, then each
/// element behind its length.
private struct ArrayReader {
  let bytes: UnsafeRawBufferPointer
  private var position = 0

  init(bytes: UnsafeRawBufferPointer) {
    self.bytes = bytes
  }

  /// The number of elements; nil where the array is not flat.
  mutating func elementCount() -> Int? {
    guard let dimensions = int32(), int32() != nil, int32() != nil else { return nil }
    guard dimensions > 0 else { return 0 }
    // Each element takes at least the four bytes of its length.
    guard dimensions == 1, let count = int32(), int32() != nil, count >= 0, Int(count) <= bytes.count / 4 else { return nil }
    return Int(count)
  }

  /// The next element; nil where it is null.
  mutating func nextElement() -> UnsafeRawBufferPointer? {
    guard let length = int32(), length >= 0, Int(length) <= bytes.count - position else { return nil }
    defer { position += Int(length) }
    return UnsafeRawBufferPointer(rebasing: bytes[position..<position + Int(length)])
  }

  private mutating func int32() -> Int32? {
    guard bytes.count - position >= 4 else { return nil }
    defer { position += 4 }
    return Int32(bigEndian: bytes.loadUnaligned(fromByteOffset: position, as: Int32.self))
  }
}

extension UnsafeRawBufferPointer {
  /// An integer in network byte order; nil if its size differs.
  fileprivate func integer<Integer: FixedWidthInteger>(as type: Integer.Type) -> Integer? {
    count == MemoryLayout<Integer>.size ? Integer(bigEndian: loadUnaligned(as: Integer.self)) : nil
  }
}
