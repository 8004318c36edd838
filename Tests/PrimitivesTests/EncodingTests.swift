import Foundation
import Primitives
import Testing

@Suite("Hexadecimal encoding")
struct HexTests {
  @Test(
    "Bytes are encoded as two digits each and decoded again",
    arguments: [([], ""), ([0], "00"), ([0x0F, 0xF0], "0ff0"), ([0xDE, 0xAD, 0xBE, 0xEF], "deadbeef")] as [([UInt8], String)])
  func roundTrip(bytes: [UInt8], text: String) {
    #expect(Hex.encode(bytes) == text)
    #expect(Hex.encode(bytes, uppercase: true) == text.uppercased())
    #expect(Hex.decode(text.utf8) == bytes)
    #expect(Hex.decode(text.uppercased().utf8) == bytes)
  }

  @Test("Every byte survives a round trip")
  func allBytes() {
    let bytes = (UInt8.min ... .max).map(\.self)
    #expect(Hex.decode(Hex.encode(bytes).utf8) == bytes)
  }

  @Test("Text that is not pairs of digits is rejected", arguments: ["0", "abc", "0g", "+f", "-1", " 0", "0x", "\u{FF10}\u{FF10}"])
  func invalidText(text: String) {
    #expect(Hex.decode(text.utf8) == nil)
  }
}

@Suite("base64url encoding")
struct Base64URLTests {
  // RFC 4648 §10 without padding, and the two characters in which base64url differs from base64.
  @Test(
    "Bytes are encoded without padding and decoded again",
    arguments: [
      ([], ""), (Array("f".utf8), "Zg"), (Array("fo".utf8), "Zm8"), (Array("foo".utf8), "Zm9v"), (Array("foob".utf8), "Zm9vYg"),
      (Array("fooba".utf8), "Zm9vYmE"), (Array("foobar".utf8), "Zm9vYmFy"), ([0xFB, 0xFF, 0xFE], "-__-"),
    ] as [([UInt8], String)])
  func roundTrip(bytes: [UInt8], text: String) {
    #expect(Base64URL.encode(bytes) == text)
    #expect(Base64URL.decode(text.utf8) == bytes)
  }

  @Test(
    "Padding, other characters, impossible lengths and unused bits that are set are rejected",
    arguments: ["Zg==", "Z", "Zm9vY", "-+/-", "Zm 9v", "Zh", "Zm9"])
  func invalidText(text: String) {
    #expect(Base64URL.decode(text.utf8) == nil)
  }

  @Test("The alphabet has exactly 64 characters, and Foundation's base64 agrees about their order")
  func alphabet() {
    let characters = (UInt8.min ... .max).filter(Base64URL.isInAlphabet)
    #expect(characters.count == 64)
    let bytes = (UInt8.min ... .max).map(\.self)
    let expected = Data(bytes).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    #expect(Base64URL.encode(bytes) == expected)
  }
}

@Suite("JSON string literals")
struct JSONEscapingTests {
  @Test(
    "Only what RFC 8259 requires is escaped",
    arguments: [
      ("", #""""#), ("plain", #""plain""#), ("a\"b\\c/", #""a\"b\\c/""#), ("\u{8}\t\n\u{C}\r", #""\b\t\n\f\r""#),
      ("\u{0}\u{1F}", #""\u0000\u001f""#), ("Zoë \u{7F}\u{2028}\u{202E}", "\"Zoë \u{7F}\u{2028}\u{202E}\""),
    ])
  func minimal(text: String, literal: String) {
    #expect(Self.literal { JSONEscaping.append(text, to: &$0) } == literal)
    #expect(Self.literal { JSONEscaping.append(Array(text.utf8), to: &$0) } == literal)
    // Without contiguous storage.
    #expect(Self.literal { JSONEscaping.append(text.utf8.reversed().reversed() as ReversedCollection, to: &$0) } == literal)
  }

  @Test(
    "Printable literals also escape what could break a line or change the direction of text",
    arguments: [
      ("plain", #""plain""#), ("a\"\n", #""a\"\n""#), ("\u{7F}\u{85}\u{9F}\u{A0}", "\"\\u007f\\u0085\\u009f\u{A0}\""),
      ("é\"\u{2028}\u{202E}\u{2066}\u{2069}😀", "\"é\\\"\\u2028\\u202e\\u2066\\u2069😀\""), ("\u{1B}[31m", #""\u001b[31m""#),
    ])
  func printable(text: String, literal: String) {
    #expect(Self.literal { JSONEscaping.appendPrintable(text, to: &$0) } == literal)
  }

  @Test("Foundation reads every character below U+0100 back")
  func roundTrip() throws {
    let text = String(String.UnicodeScalarView((UInt8.min ... .max).map { Unicode.Scalar($0) }))
    for append in [{ JSONEscaping.append($0, to: &$1) }, { JSONEscaping.appendPrintable($0, to: &$1) }] as [(String, inout [UInt8]) -> Void]
    {
      var bytes: [UInt8] = []
      append(text, &bytes)
      #expect(try JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed) as? String == text)
    }
  }

  private static func literal(_ append: (inout [UInt8]) -> Void) -> String {
    var bytes: [UInt8] = []
    append(&bytes)
    return String(decoding: bytes, as: UTF8.self)
  }
}
