import Foundation
import Models
import NIOCore
import Primitives

extension ByteBuffer {
  /// Appends a UUID in lower case, without quotes.
  package mutating func writeID(_ uuid: UUID) {
    writeWithUnsafeMutableBytes(minimumWritableBytes: UUIDText.length) { target in
      UUIDText.write(uuid, to: target)
      return UUIDText.length
    }
  }

  /// Appends a JSON string, quotes included, of UTF-8 text.
  package mutating func writeJSONString(_ text: some Collection<UInt8>) {
    writeInteger(UInt8(ascii: "\""))
    if text.allSatisfy({ $0 >= 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }) {
      writeBytes(text)
    } else {
      for byte in text { writeEscaped(byte) }
    }
    writeInteger(UInt8(ascii: "\""))
  }

  /// Appends a JSON string, quotes included.
  package mutating func writeJSONString(_ text: String) {
    writeJSONString(text.utf8)
  }

  private mutating func writeEscaped(_ byte: UInt8) {
    switch byte {
    case UInt8(ascii: "\""): writeStaticString("\\\"")
    case UInt8(ascii: "\\"): writeStaticString("\\\\")
    case 0x0A: writeStaticString("\\n")
    case 0x0D: writeStaticString("\\r")
    case 0x09: writeStaticString("\\t")
    case 0..<0x20:
      writeStaticString("\\u00")
      writeInteger(Self.digit(byte >> 4))
      writeInteger(Self.digit(byte & 0xF))
    default: writeInteger(byte)
    }
  }

  /// The hexadecimal digit of a value below 16.
  private static func digit(_ value: UInt8) -> UInt8 {
    value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
  }
}
