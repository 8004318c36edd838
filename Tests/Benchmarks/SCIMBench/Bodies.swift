/// Sample request bodies: a PUT by Okta and a PATCH by Microsoft Entra ID.
enum Bodies {
  static let id = "01997b5e-7a00-7a01-8d3e-0a52e1d6b9f1"

  static let put = Array(
    #"""
    {"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
    "id":"01997b5e-7a00-7a01-8d3e-0a52e1d6b9f1","externalId":"00u1a2b3c4d5e6f7g8h9","userName":"ana.lopez@example.com",
    "name":{"formatted":"Ana López","familyName":"López","givenName":"Ana","middleName":"","honorificPrefix":"","honorificSuffix":""},
    "displayName":"Ana López","nickName":"ana","profileUrl":"","title":"Data engineer","userType":"Employee","preferredLanguage":"en",
    "locale":"en-US","timezone":"America/New_York","active":true,"password":"1mz050nq",
    "emails":[{"value":"ana.lopez@example.com","type":"work","primary":true},{"value":"ana@example.org","type":"home"}],
    "phoneNumbers":[{"value":"+1 555 0100","type":"work"}],
    "addresses":[{"streetAddress":"100 Main Street","locality":"Hollywood","region":"CA","postalCode":"91608","country":"US"}],
    "groups":[],"secodaRole":"editor",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"employeeNumber":"701984","costCenter":"4130","organization":"Example",
    "division":"Data","department":"Platform"},
    "meta":{"resourceType":"User","created":"2026-01-31T08:00:00.000Z","lastModified":"2026-02-01T08:00:00.000Z","version":"W/\"3\""}}
    """#.utf8)

  static let patch = Array(
    #"""
    {"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[
    {"op":"replace","path":"displayName","value":"Ana L."},
    {"op":"replace","path":"emails[type eq \"work\"].value","value":"ana.l@example.com"},
    {"op":"add","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department","value":"Data"}]}
    """#.utf8)
}
