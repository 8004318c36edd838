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
    case .string(let text): bytes.append(jsonString: text)
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
      bytes.append(jsonString: member.key)
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

  /// Appends `text` in double quotes, with the escapes that RFC 8259 §7 requires and no others.
  mutating func append(jsonString text: String) {
    append(UInt8(ascii: "\""))
    let wasPlain: Void? = text.utf8.withContiguousStorageIfAvailable { buffer in
      var start = 0
      for (index, byte) in buffer.enumerated() where Self.needsEscape(byte) {
        append(contentsOf: UnsafeBufferPointer(rebasing: buffer[start..<index]))
        append(escaped: byte)
        start = index + 1
      }
      append(contentsOf: UnsafeBufferPointer(rebasing: buffer[start...]))
    }
    if wasPlain == nil {
      for byte in text.utf8 {
        if Self.needsEscape(byte) { append(escaped: byte) } else { append(byte) }
      }
    }
    append(UInt8(ascii: "\""))
  }

  private static func needsEscape(_ byte: UInt8) -> Bool {
    byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
  }

  private mutating func append(escaped byte: UInt8) {
    append(UInt8(ascii: "\\"))
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"): append(byte)
    case 0x08: append(UInt8(ascii: "b"))
    case 0x09: append(UInt8(ascii: "t"))
    case 0x0A: append(UInt8(ascii: "n"))
    case 0x0C: append(UInt8(ascii: "f"))
    case 0x0D: append(UInt8(ascii: "r"))
    default:
      append(ascii: "u00")
      append(byte >> 4 == 0 ? UInt8(ascii: "0") : UInt8(ascii: "1"))
      append("0123456789abcdef".utf8[offset: Int(byte & 0xF)])
    }
  }
}

extension String.UTF8View {
  fileprivate subscript(offset offset: Int) -> UInt8 { self[index(startIndex, offsetBy: offset)] }
}
