import Primitives

extension JSON {
  /// The value as JSON text without white space.
  public func serialized() -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(512)
    write(into: &bytes)
    return bytes
  }

  /// Appends the value as JSON text without white space.
  public func write(into bytes: inout [UInt8]) {
    switch self {
    case .null: bytes.append(ascii: "null")
    case .bool(true): bytes.append(ascii: "true")
    case .bool(false): bytes.append(ascii: "false")
    case .integer(let value): bytes.append(contentsOf: String(value).utf8)
    case .decimal(let lexeme): bytes.append(contentsOf: lexeme.utf8)
    case .string(let text): JSONEscaping.append(text, to: &bytes)
    case .array(let elements):
      bytes.append(UInt8(ascii: "["))
      var isFirst = true
      for element in elements {
        if !isFirst { bytes.append(UInt8(ascii: ",")) }
        isFirst = false
        element.write(into: &bytes)
      }
      bytes.append(UInt8(ascii: "]"))
    case .object(let object): object.write(into: &bytes)
    }
  }
}

extension JSONObject {
  /// The object as JSON text without white space.
  public func serialized() -> [UInt8] { JSON.object(self).serialized() }

  /// Appends the object as JSON text without white space.
  public func write(into bytes: inout [UInt8]) {
    bytes.append(UInt8(ascii: "{"))
    var isFirst = true
    for member in members {
      if !isFirst { bytes.append(UInt8(ascii: ",")) }
      isFirst = false
      JSONEscaping.append(member.key, to: &bytes)
      bytes.append(UInt8(ascii: ":"))
      member.value.write(into: &bytes)
    }
    bytes.append(UInt8(ascii: "}"))
  }
}

extension [UInt8] {
  mutating func append(ascii text: StaticString) {
    append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }
}
