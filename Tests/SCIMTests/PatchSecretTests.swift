import Testing

@testable import SCIM

@Suite("Secrets in a PATCH")
struct PatchSecretTests {
  @Test(
    "Only the values of passwords are removed, at any position",
    arguments: [
      (#"{"op":"replace","path":"password","value":"s3cret"}"#, #"{"op":"replace","path":"password","value":"removed"}"#),
      (#"{"op":"add","path":"PassWord","value":{"a":"s3cret"}}"#, #"{"op":"add","path":"PassWord","value":"removed"}"#),
      (
        #"{"op":"add","path":"urn:ietf:params:scim:schemas:core:2.0:User:password","value":"s3cret"}"#,
        #"{"op":"add","path":"urn:ietf:params:scim:schemas:core:2.0:User:password","value":"removed"}"#
      ),
      (#"{"op":"add","value":{"title":"x","password":"s3cret"}}"#, #"{"op":"add","value":{"title":"x","password":"removed"}}"#),
      (
        #"{"op":"add","value":{"urn:ietf:params:scim:schemas:core:2.0:User":{"password":"s3cret","title":"x"}}}"#,
        #"{"op":"add","value":{"urn:ietf:params:scim:schemas:core:2.0:User":{"password":"removed","title":"x"}}}"#
      ),
      (
        #"{"op":"add","value":{"urn:ietf:params:scim:schemas:core:2.0:User:password":"s3cret"}}"#,
        #"{"op":"add","value":{"urn:ietf:params:scim:schemas:core:2.0:User:password":"removed"}}"#
      ),
      (#"{"op":"add","value":{"password xx \"s3cret\"":"a"}}"#, #"{"op":"add","value":{"password…":"removed"}}"#),
      (#"{"op":"remove","path":"password"}"#, #"{"op":"remove","path":"password"}"#),
      (#"{"op":"replace","path":"title","value":"password"}"#, #"{"op":"replace","path":"title","value":"password"}"#),
    ])
  func removal(sent: String, expected: String) throws {
    func patch(_ operation: String) throws -> Patch {
      try Patch(JSON(parsing: Array(#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[\#(operation)]}"#.utf8)))
    }
    #expect(try patch(sent).withoutSecrets(of: ResourceSchemas().user) == patch(expected))
  }
}
