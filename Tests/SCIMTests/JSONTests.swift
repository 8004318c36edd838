import SCIM
import Testing

@Suite("JSON")
struct JSONTests {
  @Test(
    "JSON survives parsing and serialising",
    arguments: [
      #"{"a":1,"b":[true,false,null],"c":{"d":"e"}}"#, #"[]"#, #"{}"#, #""\u0001 \" \\ ä 😀""#, "-9223372036854775808", "1.50", "1e400",
      #"{"z":1,"a":2}"#,
    ])
  func roundTrip(text: String) throws {
    let parsed = try JSON(parsing: text)
    #expect(try JSON(parsing: parsed.serialized()) == parsed)
    if !text.contains("\\u") { #expect(String(decoding: parsed.serialized(), as: UTF8.self) == text) }
  }

  @Test(
    "Invalid JSON is rejected with the position",
    arguments: [
      (#"{"a":1,}"#, 7), (#"{"a" 1}"#, 5), (#"[1 2]"#, 3), ("", 0), ("nul", 3), (#"{"a":1} x"#, 8), (#"{"a":1,"a":2}"#, 7), ("01", 1),
      (#""\ud800""#, 1),
    ])
  func refused(text: String, offset: Int) throws {
    do {
      _ = try JSON(parsing: text)
      Issue.record("\(text) was accepted")
    } catch {
      #expect(error.offset == offset, "\(text): \(error)")
    }
  }

  @Test("Invalid UTF-8 is rejected")
  func invalidUTF8() {
    #expect(throws: JSONSyntaxError.self) { try JSON(parsing: [0x22, 0xFF, 0x22]) }
  }

  @Test("Nesting deeper than the limit is rejected")
  func depth() throws {
    #expect(throws: JSONSyntaxError.self) { try JSON(parsing: String(repeating: "[", count: 100_000)) }
    _ = try JSON(parsing: String(repeating: "[", count: 32) + String(repeating: "]", count: 32))
  }

  @Test("Objects are equal in any order")
  func order() throws {
    #expect(try JSON(parsing: #"{"a":1,"b":2}"#) == JSON(parsing: #"{"b":2,"a":1}"#))
  }
}
