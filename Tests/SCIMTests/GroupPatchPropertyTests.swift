import TestSupport
import Testing

@testable import SCIM

@Suite("PATCH of members as rows and in a document")
struct GroupPatchPropertyTests {
  private static let ids = ["a", "b", "c", "d", "e", "f"]

  @Test("10,000 random PATCHes have the same result", arguments: 0..<20)
  func agreement(part: Int) throws {
    var refused = 0
    var changed = 0
    for seed in part * 500..<(part + 1) * 500 {
      var random = SeededGenerator(case: seed)
      let members = Self.ids.filter { _ in Bool.random(using: &random) }
      let sent = try Sample.patchMessage(Self.operations(&random))
      let patch = try Patch(Normaliser(profile: .entra, userAgent: nil).groupPatch(sent))
      let group = try Sample.group(#""externalId":"x""#)
      let asRows = outcome {
        let (document, edits) = try patch.applied(to: group, schemas: Sample.schemas)
        return Result(attributes: document.attributes, members: Self.rows(members, after: edits))
      }
      let inDocument = outcome { try Self.documentResult(patch, group, members) }
      try #require(asRows == inDocument, "seed \(seed): \(String(decoding: patch.json(), as: UTF8.self)) on \(members)")
      if case .failure = asRows { refused += 1 } else if asRows.members != Set(members) { changed += 1 }
    }
    // Some of the random PATCHes are rejected, and enough of them change something.
    #expect(refused > 20 && refused < 250)
    #expect(changed > 100)
  }

  struct Result: Equatable {
    var attributes: JSONObject
    var members: Set<String>
  }

  enum Outcome: Equatable {
    case success(Result)
    case failure(SCIMErrorType?)

    var members: Set<String>? { if case .success(let result) = self { result.members } else { nil } }
  }

  private func outcome(_ body: () throws -> Result) -> Outcome {
    do {
      return .success(try body())
    } catch let error as SCIMError {
      return .failure(error.scimType)
    } catch {
      Issue.record("another error than a SCIM error was thrown: \(error)")
      return .failure(nil)
    }
  }

  /// The members after `edits`, as a store with one row per member applies them.
  private static func rows(_ members: [String], after edits: [MembershipEdit]) -> Set<String> {
    edits.reduce(into: Set(members)) { rows, edit in
      switch edit {
      case .add(let ids): rows.formUnion(ids)
      case .remove(let ids): rows.subtract(ids)
      case .removeAll: rows = []
      case .replace(let ids): rows = Set(ids)
      }
    }
  }

  /// The result of the PATCH on the group as one document, including its members.
  private static func documentResult(_ patch: Patch, _ group: GroupDocument, _ members: [String]) throws -> Result {
    var document = group.attributes
    if !members.isEmpty { document["members"] = .array(members.map { ["value": .string($0)] }) }
    var application = PatchApplication(document, schema: Sample.schemas.group)
    for operation in patch.operations { try application.apply(operation) }
    let result = try GroupDocument(.object(application.resource), schemas: Sample.schemas)
    return Result(attributes: result.attributes, members: Set(result.members.map(\.value)))
  }

  private static func operations(_ random: inout SeededGenerator) -> String {
    (0..<Int.random(in: 1...4, using: &random)).map { _ in operation(&random) }.joined(separator: ",")
  }

  private static func operation(_ random: inout SeededGenerator) -> String {
    let op = random.one(of: ["add", "replace"])
    let path = random.one(of: ["members", "Members", "urn:ietf:params:scim:schemas:core:2.0:Group:members"])
    switch Int.random(in: 0..<14, using: &random) {
    case 0...2: return #"{"op":"\#(op)","path":"\#(path)","value":[\#(values(&random))]}"#
    case 3: return #"{"op":"\#(op)","path":"\#(path)","value":{"value":"\#(random.one(of: ids))"}}"#
    case 4: return #"{"op":"\#(op)","value":{"\#(path)":[\#(values(&random))],"displayName":"\#(random.one(of: ids))"}}"#
    case 5: return #"{"op":"\#(op)","value":{"urn:ietf:params:scim:schemas:core:2.0:Group":{"members":[\#(values(&random))]}}}"#
    case 6: return #"{"op":"\#(op)","path":"urn:ietf:params:scim:schemas:core:2.0:Group","value":{"members":[\#(values(&random))]}}"#
    case 7, 8: return #"{"op":"remove","path":"\#(path)[\#(filter(&random))]"}"#
    case 9: return #"{"op":"remove","path":"\#(random.one(of: [path, "externalId"]))"}"#
    case 10: return #"{"op":"\#(op)","path":"displayName","value":"\#(random.one(of: ids))"}"#
    case 11, 12: return #"{"op":"remove","path":"\#(path)","value":[\#(removed(&random))]}"#
    default: return refusedOperation(op, path, &random)
    }
  }

  private static func refusedOperation(_ op: String, _ path: String, _ random: inout SeededGenerator) -> String {
    random.one(of: [
      #"{"op":"\#(op)","path":"\#(path)[value eq \"a\"].display","value":"x"}"#, #"{"op":"\#(op)","path":"\#(path).value","value":"x"}"#,
      #"{"op":"\#(op)","path":"\#(path)[value eq \"a\"]","value":{"value":"b"}}"#, #"{"op":"remove","path":"displayName"}"#,
      #"{"op":"\#(op)","path":"id","value":"x"}"#, #"{"op":"remove","path":"\#(path)[value eq \"a\"].value"}"#,
      #"{"op":"\#(op)","path":"\#(path)","value":[{"value":"a","email":"x"}]}"#, #"{"op":"\#(op)","value":{"description":"x"}}"#,
      #"{"op":"remove","path":"\#(path)","value":null}"#, #"{"op":"remove","path":"\#(path)","value":[{}]}"#,
      #"{"op":"remove","path":"\#(path)","value":[{"display":"x"}]}"#,
    ])
  }

  private static func values(_ random: inout SeededGenerator) -> String {
    random.some(of: ids, atMost: 4).map { id in
      random.one(of: [
        #"{"value":"\#(id)"}"#, #"{"value":"\#(id)","type":"User"}"#, #"{"$ref":null,"value":"\#(id)","display":"x"}"#, #""\#(id)""#,
      ])
    }.joined(separator: ",")
  }

  private static func removed(_ random: inout SeededGenerator) -> String {
    random.some(of: ids, atMost: 3).map { id in
      random.one(of: [
        #"{"value":"\#(id)"}"#, #""\#(id)""#, #"{"$ref":"https://example.com/v2/Users/\#(id)"}"#, #"{"value":"\#(id)","display":"x"}"#,
        #"{"value":"\#(id)","$ref":"https://example.com/v2/Users/a"}"#,
      ])
    }.joined(separator: ",")
  }

  private static func filter(_ random: inout SeededGenerator) -> String {
    let ids = (0..<3).map { _ in #"value eq \"\#(random.one(of: Self.ids))\""# }
    return random.one(of: [
      ids[0], ids.joined(separator: " or "), "\(ids[0]) and \(ids[1])", "(\(ids[0]) or \(ids[1])) and (\(ids[1]) or \(ids[2]))", "value pr",
    ])
  }
}
