import SCIM
import Testing

@Suite("What a PATCH mentions")
struct PatchMentionTests {
  private func patch(_ operation: String) throws -> Patch {
    try Patch(
      JSON(
        parsing: Array(#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[\#(operation)]}"#.utf8)))
  }

  @Test(
    "Addresses and external ids are found, however they are addressed",
    arguments: [
      (#"{"op":"add","path":"emails","value":[{"value":"a@b.example","type":"work"}]}"#, ["a@b.example", "work"], []),
      (#"{"op":"replace","path":"emails[type eq \"work\"].value","value":"a@b.example"}"#, ["a@b.example"], []),
      (#"{"op":"replace","path":"EMAILS","value":{"value":"a@b.example"}}"#, ["a@b.example"], []),
      (#"{"op":"replace","value":{"emails":[{"value":"a@b.example"}],"externalId":"x"}}"#, ["a@b.example"], ["x"]),
      (#"{"op":"replace","value":{"urn:ietf:params:scim:schemas:core:2.0:User":{"externalId":"x"}}}"#, [], ["x"]),
      (#"{"op":"replace","path":"externalid","value":"x"}"#, [], ["x"]),
      (#"{"op":"replace","path":"title","value":"a@b.example"}"#, [], []), (#"{"op":"remove","path":"emails"}"#, [], []),
    ] as [(String, [String], [String])])
  func mentions(operation: String, addresses: [String], ids: [String]) throws {
    let patch = try patch(operation)
    #expect(patch.mentionedAddresses == addresses)
    #expect(patch.mentionedExternalIDs == ids)
  }
}
