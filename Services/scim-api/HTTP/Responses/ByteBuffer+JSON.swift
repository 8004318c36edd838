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

  /// Appends UTF-8 text as a JSON string, quotes included.
  package mutating func writeJSONString(_ text: some Collection<UInt8>) {
    if text.contains(where: JSONEscaping.needsEscape) {
      var literal: [UInt8] = []
      JSONEscaping.append(text, to: &literal)
      writeBytes(literal)
    } else {
      writeInteger(UInt8(ascii: "\""))
      writeBytes(text)
      writeInteger(UInt8(ascii: "\""))
    }
  }

  /// Appends `text` as a JSON string, quotes included.
  package mutating func writeJSONString(_ text: String) {
    writeJSONString(text.utf8)
  }
}
