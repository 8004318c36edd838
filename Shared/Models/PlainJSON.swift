import Primitives

/// Writes JSON in the format of ``JSONData``, without an encoder.
struct PlainJSONWriter {
  private(set) var bytes: [UInt8] = []
  private var needsComma = false

  init() { bytes.reserveCapacity(512) }

  mutating func begin() {
    bytes.append(UInt8(ascii: "{"))
    needsComma = false
  }

  mutating func end() {
    bytes.append(UInt8(ascii: "}"))
    needsComma = true
  }

  /// Writes the name of a member, whose value must follow.
  mutating func name(_ name: String) {
    if needsComma { bytes.append(UInt8(ascii: ",")) }
    JSONEscaping.append(name, to: &bytes)
    bytes.append(UInt8(ascii: ":"))
    needsComma = true
  }

  /// Writes a member, unless its value is missing.
  mutating func member(_ name: String, _ text: String?) {
    guard let text else { return }
    self.name(name)
    JSONEscaping.append(text, to: &bytes)
  }

  /// Writes a member, unless its value is missing.
  mutating func member(_ name: String, _ object: [String: JSONValue]?) {
    guard let object else { return }
    self.name(name)
    value(.object(object))
  }

  mutating func integer(_ number: Int64) {
    bytes += String(number).utf8
  }

  /// Writes any value.
  mutating func value(_ value: JSONValue) {
    switch value {
    case .null: bytes += "null".utf8
    case .bool(let value): bytes += (value ? "true" : "false").utf8
    case .integer(let number): integer(number)
    case .decimal(let number): bytes += number.description.utf8
    case .string(let text): JSONEscaping.append(text, to: &bytes)
    case .array(let values):
      bytes.append(UInt8(ascii: "["))
      for (index, element) in values.enumerated() {
        if index > 0 { bytes.append(UInt8(ascii: ",")) }
        self.value(element)
      }
      bytes.append(UInt8(ascii: "]"))
    case .object(let members):
      begin()
      for (name, member) in members.sorted(by: { $0.key < $1.key }) {
        self.name(name)
        self.value(member)
      }
      end()
    }
    needsComma = true
  }
}

/// Reads JSON objects of objects, integers and strings without escapes, as ``PlainJSONWriter`` usually writes them, without white space.
struct PlainJSONReader {
  private let bytes: UnsafeBufferPointer<UInt8>
  private var position = 0

  private init(_ bytes: UnsafeBufferPointer<UInt8>) {
    self.bytes = bytes
  }

  /// Whether `read` accepts the bytes, and reads all of them.
  static func read(_ bytes: [UInt8], _ read: (inout PlainJSONReader) -> Bool) -> Bool {
    bytes.withUnsafeBufferPointer { bytes in
      var reader = PlainJSONReader(bytes)
      return read(&reader) && reader.position == bytes.count
    }
  }

  /// Reads an object, whose members must be in the order of their names, so that each is there once.
  ///
  /// - Parameter member: reads the value of the member with this name; false if it cannot.
  mutating func object(_ member: (_ name: String, inout PlainJSONReader) -> Bool) -> Bool {
    guard take(UInt8(ascii: "{")) else { return false }
    var last = ""
    repeat {
      guard let name = string(), name > last, take(UInt8(ascii: ":")), member(name, &self) else { return false }
      last = name
    } while take(UInt8(ascii: ","))
    return take(UInt8(ascii: "}"))
  }

  /// Whether an object without members comes next, which is read.
  mutating func emptyObject() -> Bool {
    guard position + 1 < bytes.count, bytes[position] == UInt8(ascii: "{"), bytes[position + 1] == UInt8(ascii: "}") else { return false }
    position += 2
    return true
  }

  /// Reads a string; nil if there is none, or if it has escapes or invalid UTF-8.
  mutating func string() -> String? {
    guard take(UInt8(ascii: "\"")) else { return nil }
    let start = position
    while position < bytes.count, !JSONEscaping.needsEscape(bytes[position]) { position += 1 }
    let text = UnsafeBufferPointer(rebasing: bytes[start..<position])
    return take(UInt8(ascii: "\"")) ? String(validating: text, as: UTF8.self) : nil
  }

  /// Reads a positive integer of at most 18 digits.
  mutating func integer() -> Int64? {
    let start = position
    var number: Int64 = 0
    while position < bytes.count, case UInt8(ascii: "0")...UInt8(ascii: "9") = bytes[position] {
      number = number &* 10 &+ Int64(bytes[position] & 0xF)
      position += 1
    }
    let isInRange = (1...18).contains(position - start) && bytes[start] != UInt8(ascii: "0")
    return isInRange ? number : nil
  }

  private mutating func take(_ byte: UInt8) -> Bool {
    guard position < bytes.count, bytes[position] == byte else { return false }
    position += 1
    return true
  }
}
