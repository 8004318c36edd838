import Testing

@testable import SCIM

@Suite("The bounds of resources")
struct ResourceBoundsTests {
  /// Attributes with a text of the given number of bytes, and their bounds.
  static let texts: [(attribute: @Sendable (Int) -> String, bound: Int)] = [
    ({ #""externalId":"\#(sampleText(of: $0))""# }, 1024), ({ #""emails":[{"value":"\#(sampleText(of: $0))"}]"# }, 1024),
    ({ #""title":"\#(sampleText(of: $0))""# }, 8192),
    ({ #""displayName":"\#(sampleText(of: $0))""# }, 8192), ({ #""name":{"givenName":"\#(sampleText(of: $0))"}"# }, 8192),
    ({ #""emails":[{"value":"a@example.com","display":"\#(sampleText(of: $0))"}]"# }, 8192),
    ({ #""\#(Sample.enterprise)":{"department":"\#(sampleText(of: $0))"}"# }, 8192),
    ({ #""\#(Sample.enterprise)":{"manager":{"value":"\#(sampleText(of: $0))"}}"# }, 8192),
    ({ #""photos":[{"value":"\#(sampleText(of: $0))"}]"# }, 256 << 10),
    ({ #""x509Certificates":[{"value":"\#(sampleText(of: $0))"}]"# }, 256 << 10),
  ]

  @Test("A text of the maximum size is valid; one more byte is rejected with the bound", arguments: texts.indices)
  func text(index: Int) throws {
    let (attribute, bound) = Self.texts[index]
    // A base64 text has a multiple of four characters.
    try Sample.user(attribute(bound)).checkBounds(schemas: Sample.schemas)
    let error = try #require(refusal { try Sample.user(attribute(bound + 4)).checkBounds(schemas: Sample.schemas) })
    #expect(error.status == 400)
    #expect(error.scimType == .invalidValue)
    #expect(error.detail.contains("at most \(bound) bytes"), "\(error.detail)")
  }

  @Test("A userName, the name of a group and their comparison keys have the bound of names")
  func names() throws {
    // The NFC form of this character has three code points: twelve bytes instead of four.
    for name in [sampleText(of: 1025), String(repeating: "\u{1D160}", count: 250)] {
      let user = try UserDocument(
        Sample.json(#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"\#(name)"}"#), schemas: Sample.schemas)
      #expect(refusal { try user.checkBounds(schemas: Sample.schemas) }?.detail.contains("userName") == true)
      let group = try GroupDocument(
        Sample.json(#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"\#(name)"}"#), schemas: Sample.schemas)
      #expect(refusal { try group.checkBounds(schemas: Sample.schemas) }?.detail.contains("displayName") == true)
    }
  }

  @Test("An attribute has at most a thousand values and a user 512 kB; the number of members of a group is not limited")
  func counts() throws {
    try Sample.user(Self.emails(1000)).checkBounds(schemas: Sample.schemas)
    let values = try #require(refusal { try Sample.user(Self.emails(1001)).checkBounds(schemas: Sample.schemas) })
    #expect(values.detail.contains("1001 values") && values.detail.contains("1000"), "\(values.detail)")
    let photos = (0..<3).map { #"{"value":"\#(sampleText(of: 200_000))\#($0)"}"# }.joined(separator: ",")
    let size = try #require(refusal { try Sample.user(#""photos":[\#(photos)]"#).checkBounds(schemas: Sample.schemas) })
    #expect(size.detail.contains("512 kB"), "\(size.detail)")
    let members = (0..<2000).map { #"{"value":"m\#($0)"}"# }.joined(separator: ",")
    try Sample.group(#""members":[\#(members)]"#).checkBounds(schemas: Sample.schemas)
  }

  @Test("Read-only attributes are dropped before the bounds are checked")
  func readOnly() throws {
    let groups = (0..<2000).map { #"{"value":"\#($0)"}"# }.joined(separator: ",")
    try Sample.user(#""groups":[\#(groups)],"password":"\#(sampleText(of: 20_000))""#).checkBounds(schemas: Sample.schemas)
  }

  @Test("Stored values are valid unchanged, moved or in a smaller resource; new ones are not")
  func stored() throws {
    let long = sampleText(of: 9000)
    let stored = try Sample.user(#""title":"\#(long)",\#(Self.emails(1200)),"active":true"#).openDocument(id: "7", created: "x")
    func check(_ attributes: String) -> SCIMError? {
      refusal { try Sample.user(attributes).checkBounds(replacing: stored, schemas: Sample.schemas) }
    }
    #expect(check(#""title":"\#(long)",\#(Self.emails(1200)),"active":false"#) == nil)
    #expect(check(#""title":"\#(long)",\#(Self.emails(1100))"#) == nil)
    #expect(check(Self.emails(1200)) == nil)
    #expect(check(#""title":"\#(long)x""#)?.detail.contains("title") == true)
    #expect(check(#""nickName":"\#(long)""#)?.detail.contains("nickName") == true)
    #expect(check(Self.emails(1201))?.detail.contains("emails") == true)
  }

  private static func emails(_ count: Int) -> String {
    #""emails":[\#((0..<count).map { #"{"value":"u\#($0)@example.com"}"# }.joined(separator: ","))]"#
  }
}

/// A text of `count` bytes.
private func sampleText(of count: Int) -> String { String(repeating: "a", count: count) }
