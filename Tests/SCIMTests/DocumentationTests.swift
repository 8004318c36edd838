import Foundation
import SCIM
import Testing

/// The code of the articles in `Shared/SCIM/SCIM.docc`.
@Suite("The documentation")
struct DocumentationTests {
  @Test("A filter selects users in memory")
  func filterInMemory() throws {
    let schemas = ResourceSchemas()
    let users: [JSONObject] = [
      ["userName": "ana@example.com", "emails": [["value": "ana@example.com", "type": "work"]]],
      ["userName": "ben@example.com", "emails": [["value": "ben@example.org", "type": "home"]]],
    ]
    let filter = try Filter(parsing: #"userName sw "ana" or emails[type eq "work"]"#)
    let typed = try filter.typed(for: schemas.user)
    let found = users.filter { typed.matches($0) }
    #expect(found == [users[0]])
  }

  @Test("A filter with a value of another type is an error")
  func filterOfWrongType() throws {
    let schemas = ResourceSchemas()
    let error = refusal {
      _ = try Filter(parsing: #"active eq "yes""#).typed(for: schemas.user)
    }
    #expect(error?.scimType == .invalidFilter)
    #expect(error?.detail == #"active eq "yes": active is of type boolean; expected true or false, found the string "yes"."#)
  }

  /// Translates a filter into a search condition; nil if the search cannot express it.
  private static func condition(_ expression: TypedFilter.Expression) -> String? {
    switch expression {
    case .constant(let value):
      return "\(value)"
    case .comparison(let attribute, let comparison):
      guard attribute.path == "userName", case .string(let key) = comparison.operand else { return nil }
      switch comparison.order {
      case .equal: return "user_name_key = '\(key.replacing("'", with: "''"))'"
      default: return nil
      }
    case .and(let operands):
      // The search may find too many users: the filter is applied to them as well.
      let conditions = operands.compactMap(condition)
      return conditions.isEmpty ? nil : conditions.joined(separator: " and ")
    case .present, .or, .not, .value:
      return nil
    }
  }

  @Test("A filter is translated for a store")
  func filterForStore() throws {
    let filter = try Filter(parsing: #"userName eq "ANA@example.com" and title pr"#).typed(for: ResourceSchemas().user)
    #expect(Self.condition(filter.expression) == "user_name_key = 'ana@example.com'")
  }

  @Test("A PATCH is applied to a user")
  func patchUser() throws {
    let schemas = ResourceSchemas()
    let user = try Sample.user(#""emails":[{"value":"ana@example.com","type":"work"}]"#)
    let message = try JSON(
      parsing: #"""
        {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
         "Operations": [{"op": "replace", "path": "emails[type eq \"work\"].value", "value": "ana@example.org"}]}
        """#)
    let patch = try Patch(message)
    let changed = try patch.applied(to: user, schemas: schemas)
    #expect(changed.email == "ana@example.org")
  }

  @Test("A PATCH of a group gives edits of its members")
  func patchGroup() throws {
    let schemas = ResourceSchemas()
    let group = try Sample.group()
    var members: Set<String> = ["1", "2"]
    let patch = try Sample.patch(
      #"{"op":"add","path":"members","value":[{"value":"3"}]},{"op":"remove","path":"members[value eq \"1\"]"}"#)
    let (changed, edits) = try patch.applied(to: group, schemas: schemas)
    for edit in edits {
      switch edit {
      case .add(let ids): members.formUnion(ids)
      case .remove(let ids): members.subtract(ids)
      case .removeAll: members.removeAll()
      case .replace(let ids): members = Set(ids)
      }
    }
    #expect(changed == group)
    #expect(members == ["2", "3"])
  }

  @Test("A request is normalised by the sender's dialect")
  func dialect() throws {
    let message = try JSON(
      parsing: #"""
        {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
         "Operations": [{"op": "Replace", "path": "active", "value": "False"}]}
        """#)
    let normaliser = Normaliser(profile: .auto, userAgent: "Azure SCIM Client")
    let normalised = normaliser.userPatch(message)
    let patch = try Patch(normalised)
    #expect(normalised.applied == ["upper-case-operation", "text-for-boolean"])
    #expect(patch.operations.first?.kind == .replace)
    #expect(patch.operations.first?.value == false)
  }

  @Test("The table of dialects lists every normalisation")
  func normalisations() throws {
    let table = try Article.text("Dialects.md")
    for profile in ConnectionProfile.allCases {
      for normalisation in profile.normalisations { #expect(table.contains("| `\(normalisation.name)` |"), "\(normalisation.name)") }
    }
  }

  @Test("Every code block of an article is in these tests", arguments: try Article.names())
  func codeBlocks(article: String) throws {
    let sources = try ["DocumentationTests.swift", "ServeFromYourOwnStoreTests.swift"].map { name in
      Article.lines(try String(contentsOfFile: Article.folder(of: #filePath) + "/" + name, encoding: .utf8))
    }
    for block in try Article.codeBlocks(of: article) {
      #expect(sources.contains { $0.contains(block) }, "\(article) shows other code than the tests have:\n\(block.joined(separator: "\n"))")
    }
  }
}

/// The articles of the DocC catalog.
private enum Article {
  static func folder(of file: String) -> String { URL(filePath: file).deletingLastPathComponent().path }

  static var catalog: String { folder(of: folder(of: folder(of: #filePath))) + "/Shared/SCIM/SCIM.docc" }

  static func names() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: catalog).filter { $0.hasSuffix(".md") }.sorted()
  }

  static func text(_ name: String) throws -> String { try String(contentsOfFile: "\(catalog)/\(name)", encoding: .utf8) }

  /// The lines without their indentation, which differs between an article and a test.
  static func lines(_ text: some StringProtocol) -> [String] {
    text.split(separator: "\n", omittingEmptySubsequences: false).map { $0.trimmingCharacters(in: .whitespaces) }
  }

  /// The Swift code blocks of an article, each as its lines.
  static func codeBlocks(of name: String) throws -> [[String]] {
    try text(name).split(separator: "```swift\n").dropFirst().map { rest in
      lines(rest[..<(rest.firstRange(of: "\n```")?.lowerBound ?? rest.endIndex)])
    }
  }
}
