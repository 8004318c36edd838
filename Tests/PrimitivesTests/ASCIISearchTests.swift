import Primitives
import Testing

@Suite("Search for ASCII words")
struct ASCIISearchTests {
  @Test(
    "Finds a word anywhere in a text, in any case",
    arguments: [
      ("token", true), ("a TOKEN", true), ("tokens", true), ("xtoken", true), ("ttoken", true), ("toke", false), ("to ken", false),
      ("", false), ("Zoë's Token", true), ("tok\u{E9}n", false), ("🎈token🎈", true),
    ])
  func word(text: String, isFound: Bool) {
    #expect(ASCIISearch.contains("token", in: text) == isFound)
    #expect(ASCIISearch.contains("token", in: "-\(text)-".dropFirst().dropLast()) == isFound)
    #expect(ASCIISearch.containsAny(of: ["secret", "token"], in: text) == isFound)
  }

  @Test("Only letters are compared without case")
  func underscore() {
    #expect(ASCIISearch.contains("api_key", in: "API_KEY"))
    #expect(!ASCIISearch.contains("api_key", in: "api\u{7F}key"))
    #expect(!ASCIISearch.contains("a@b", in: "a`b"))
  }
}
