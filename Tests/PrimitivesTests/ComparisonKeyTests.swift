import Testing

@testable import Primitives

@Suite("Comparison keys")
struct ComparisonKeyTests {
  @Test(
    "Whitespace and zero-width characters at both ends, case and composition make no difference",
    arguments: [
      ("Ana@Example.com", "ana@example.com"), ("  Ana\t\n", "ana"), ("\u{A0}\u{3000}Ana\u{2003}\u{85}", "ana"),
      ("\u{FEFF}Ana\u{200B}\u{2060}", "ana"), ("\u{200C}\u{200D}\u{180E}\u{200E}\u{200F}Ana \u{200B} ", "ana"), ("N10  App ", "n10  app"),
      ("Jos\u{E9}", "jos\u{E9}"), ("JOSE\u{301}", "jos\u{E9}"), ("a\u{327}\u{301}", "\u{E1}\u{327}"), ("a\u{301}\u{327}", "\u{E1}\u{327}"),
      ("\u{212B}ngstr\u{F6}m", "\u{E5}ngstr\u{F6}m"), ("\u{1100}\u{1161}\u{11A8}", "\u{AC01}"), ("\u{AC00}\u{11A8}", "\u{AC01}"),
      ("\u{130}I\u{307}i", "iii"), ("", ""), (" \u{200B}\u{FEFF} ", ""), ("a\u{200B}b", "a\u{200B}b"), ("a\u{AD}", "a\u{AD}"),
    ])
  func keys(text: String, expected: String) {
    #expect(ComparisonKey(text).text.unicodeScalars.map(\.value) == expected.unicodeScalars.map(\.value))
    #expect(ComparisonKey(text) == ComparisonKey(expected))
  }

  @Test("The simple case mapping keeps texts apart that the full mapping, or a comparison by sound, would join")
  func simpleMapping() {
    #expect(ComparisonKey("stra\u{DF}e") != ComparisonKey("strasse"))
    #expect(ComparisonKey("STRA\u{1E9E}E") == ComparisonKey("stra\u{DF}e"))
    // The final sigma is a different letter, wherever it occurs.
    #expect(ComparisonKey("\u{39F}\u{394}\u{39F}\u{3A3}").text == "\u{3BF}\u{3B4}\u{3BF}\u{3C3}")
    #expect(ComparisonKey("\u{3BF}\u{3B4}\u{3BF}\u{3C2}") != ComparisonKey("\u{3BF}\u{3B4}\u{3BF}\u{3C3}"))
    #expect(ComparisonKey("\u{131}") != ComparisonKey("i"))
    #expect(ComparisonKey("e") != ComparisonKey("\u{E9}"))
  }

  @Test("Folded text is not trimmed")
  func folding() {
    #expect(FoldedText.folded(" Ana\u{200B}") == " ana\u{200B}")
    #expect(FoldedText.folded(" JOSE\u{301} ") == " jos\u{E9} ")
  }

  @Test("The key of a key is itself, and canonically equivalent texts have the same key")
  func stability() {
    let pieces: [Unicode.Scalar] = [
      "a", "A", "\u{C5}", "\u{30A}", "\u{301}", "\u{323}", "\u{327}", "\u{345}", "\u{130}", "i", "I", "\u{307}", " ", "\u{200B}",
      "\u{1100}",
      "\u{1161}", "\u{11A8}", "\u{AC00}", "\u{212A}", "\u{1F71}", "\u{344}", "\u{958}", "\u{3A3}", "\u{1E4EE}", "\u{67}", "\u{10FFFF}",
    ]
    var state: UInt64 = 15
    for _ in 0..<20_000 {
      var text = String.UnicodeScalarView()
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      for place in 0..<Int(state >> 60) {
        text.append(pieces[Int((state >> (UInt64(place) * 4)) % UInt64(pieces.count))])
      }
      let key = ComparisonKey(String(text))
      if !ComparisonKey(key.text).text.utf8.elementsEqual(key.text.utf8) { Issue.record("\(text.map(\.value))") }
      if let first = key.text.unicodeScalars.first, ComparisonKey.isTrimmed(first) { Issue.record("\(text.map(\.value))") }
    }
  }

  @Test("The former key of a text is returned if it differs")
  func former() {
    for text in ["ana@example.com", "ANA@Example.com", "\u{E9}", "\u{C9}X"] { #expect(ComparisonKey.former(of: text) == nil) }
    #expect(ComparisonKey.former(of: " Ana") == " ana")
    #expect(ComparisonKey.former(of: "E\u{301}")?.unicodeScalars.map(\.value) == [0x65, 0x301])
    #expect(ComparisonKey.former(of: "\u{130}")?.unicodeScalars.map(\.value) == [0x69, 0x307])
  }

  @Test("The character tables are those that stored keys were computed with")
  func tables() {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    func add(_ text: String) { for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 } }
    for value in UInt32(0)...0x10FFFF {
      guard let scalar = Unicode.Scalar(value), FoldedText.isKnown(scalar) else { continue }
      add("\(value)")
      add(ComparisonKey("\(scalar)").text)
      add(FoldedText.folded("a\u{301}\(scalar)\u{323}"))
    }
    #expect(
      hash == 0x7e4b_e846_e26e_73cc,
      """
      This toolchain folds characters differently (\(String(hash, radix: 16))). Increase ComparisonKey.version, so that identity-store \
      computes the keys of all rows again, and write the new value here.
      """)
  }
}
