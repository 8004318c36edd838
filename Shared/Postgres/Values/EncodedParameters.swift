import Foundation

/// A statement's parameters in PostgreSQL's binary format, concatenated in one buffer.
struct EncodedParameters: Sendable {
  private(set) var bytes: [UInt8] = []
  /// The length of each value within `bytes`, ``null`` for null.
  private(set) var lengths: [Int32] = []
  /// The type of each value; ``TypeID/unspecified`` for null.
  private(set) var types: [TypeID] = []

  static let null: Int32 = -1
  static let none = EncodedParameters()

  /// The protocol counts parameters in 16 bits.
  private static let maximumCount = Int(UInt16.max)
  /// PostgreSQL accepts messages of up to a gigabyte; the difference is for the message's other fields.
  private static let maximumSize = (1 << 30) - (1 << 20)

  private init() {}

  /// Encodes the values.
  ///
  /// - Throws: `PostgresError` if the number, the size or a date is out of range.
  init(_ values: [PostgresValue], of statement: Statement) throws(PostgresError) {
    guard values.count <= Self.maximumCount else {
      throw .refused("54000", "\(values.count) parameters; PostgreSQL accepts at most \(Self.maximumCount)", statement: statement)
    }
    lengths.reserveCapacity(values.count)
    types.reserveCapacity(values.count)
    bytes.reserveCapacity(values.reduce(1) { $0 + Self.size(of: $1) })
    for (index, value) in values.enumerated() {
      let start = bytes.count
      guard let type = append(value) else {
        throw .refused("22008", "parameter $\(index + 1) is outside the range of timestamptz", statement: statement)
      }
      types.append(type)
      guard bytes.count < Self.maximumSize else {
        throw .refused("54000", "the parameters exceed PostgreSQL's limit of one gigabyte", statement: statement)
      }
      lengths.append(type == .unspecified ? Self.null : Int32(bytes.count - start))
    }
    // An empty value needs an address too, or libpq would treat it as null.
    if bytes.isEmpty { bytes.append(0) }
  }

  /// The size of the binary form, so that the buffer does not grow while it is filled.
  private static func size(of value: PostgresValue) -> Int {
    switch value {
    case .null, .bool, .int, .double, .uuid, .timestamp: 16
    case .text(let text): text.utf8.count
    case .bytes(let bytes), .json(let bytes): bytes.count + 1
    case .boolArray(let values): 20 + values.count * 5
    case .intArray(let values): 20 + values.count * 12
    case .timestampArray(let values): 20 + values.count * 12
    case .uuidArray(let values): 20 + values.count * 20
    case .textArray(let values): values.reduce(20) { $0 + 4 + ($1?.utf8.count ?? 0) }
    case .bytesArray(let values): values.reduce(20) { $0 + 4 + ($1?.count ?? 0) }
    }
  }

  /// Appends the binary form of `value` and returns its type; nil if the value is out of range.
  private mutating func append(_ value: PostgresValue) -> TypeID? {
    switch value {
    case .null: return .unspecified
    case .bool(let value):
      bytes.append(value ? 1 : 0)
      return .bool
    case .int(let value):
      append(value)
      return .int8
    case .double(let value):
      append(value.bitPattern)
      return .float8
    case .text(let value):
      append(value)
      return .text
    case .uuid(let value):
      append(value)
      return .uuid
    case .bytes(let value):
      bytes.append(contentsOf: value)
      return .bytea
    case .timestamp(let value): return append(value) ? .timestamptz : nil
    case .json(let value):
      // The version byte of jsonb's binary format.
      bytes.append(1)
      bytes.append(contentsOf: value)
      return .jsonb
    default: return appendArray(value)
    }
  }

  private mutating func appendArray(_ value: PostgresValue) -> TypeID? {
    switch value {
    case .boolArray(let values):
      append(values, of: .bool) { $0.bytes.append($1 ? 1 : 0) }
      return .boolArray
    case .intArray(let values):
      append(values, of: .int8) { $0.append($1) }
      return .int8Array
    case .textArray(let values):
      append(values, of: .text) { $0.append($1) }
      return .textArray
    case .uuidArray(let values):
      append(values, of: .uuid) { $0.append($1) }
      return .uuidArray
    case .bytesArray(let values):
      append(values, of: .bytea) { $0.bytes.append(contentsOf: $1) }
      return .byteaArray
    case .timestampArray(let values):
      var isExact = true
      append(values, of: .timestamptz) { isExact = $0.append($1) && isExact }
      return isExact ? .timestamptzArray : nil
    default: return nil
    }
  }

  /// Appends a one-dimensional array: a header, then the length and bytes of each element.
  private mutating func append<Element>(
    _ values: [Element?], of type: TypeID, _ appendElement: (inout EncodedParameters, Element) -> Void
  ) {
    append(Int32(values.isEmpty ? 0 : 1))
    append(Int32(values.contains { $0 == nil } ? 1 : 0))
    append(type.rawValue)
    guard !values.isEmpty else { return }
    append(Int32(clamping: values.count))
    append(Int32(1))
    for value in values {
      let position = bytes.count
      append(Self.null)
      guard let value else { continue }
      appendElement(&self, value)
      let length = UInt32(bytes.count - position - 4)
      for offset in 0..<4 { bytes[position + offset] = UInt8(truncatingIfNeeded: length >> (24 - 8 * offset)) }
    }
  }

  private mutating func append(_ value: some FixedWidthInteger) {
    withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
  }

  private mutating func append(_ value: String) {
    bytes.append(contentsOf: value.utf8)
  }

  private mutating func append(_ value: UUID) {
    withUnsafeBytes(of: value.uuid) { bytes.append(contentsOf: $0) }
  }

  private mutating func append(_ value: Date) -> Bool {
    guard let microseconds = Timestamps.microseconds(value) else { return false }
    append(microseconds)
    return true
  }
}
