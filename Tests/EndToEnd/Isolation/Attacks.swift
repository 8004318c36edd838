import Foundation
import TestSupport
import Testing

/// The attacks on each route of scim-api, by the route's name. Each one checks the result.
enum Attacks {
  /// Sends requests as the attacker, and expects that they have no effect on the victim.
  typealias Attack = @Sendable (Attacker) async throws -> Void

  /// The attacks on routes that require a token.
  static let all: [String: Attack] = [
    "GET /api/v2/scim": listing(""), "POST /api/v2/scim/.search": searching(""),
    "GET /api/v2/scim/Users": listing("/Users"), "POST /api/v2/scim/Users/.search": searching("/Users"),
    "GET /api/v2/scim/Groups": listing("/Groups"), "POST /api/v2/scim/Groups/.search": searching("/Groups"),
    "POST /api/v2/scim/Users": createUser, "POST /api/v2/scim/Groups": createGroup,
    "GET /api/v2/scim/Users/{id}": one("GET", "/Users"), "PUT /api/v2/scim/Users/{id}": one("PUT", "/Users", Bodies.user),
    "PATCH /api/v2/scim/Users/{id}": one("PATCH", "/Users", Bodies.deactivation), "DELETE /api/v2/scim/Users/{id}": one("DELETE", "/Users"),
    "GET /api/v2/scim/Groups/{id}": one("GET", "/Groups"), "PUT /api/v2/scim/Groups/{id}": putGroup,
    "PATCH /api/v2/scim/Groups/{id}": patchGroup, "DELETE /api/v2/scim/Groups/{id}": one("DELETE", "/Groups"),
    "GET /api/v2/scim/ServiceProviderConfig": discovery("/ServiceProviderConfig"),
    "GET /api/v2/scim/ServiceProviderConfigs": discovery("/ServiceProviderConfigs"),
    "GET /api/v2/scim/ResourceTypes": discovery("/ResourceTypes"), "GET /api/v2/scim/ResourceTypes/{id}": discovery("/ResourceTypes/User"),
    "GET /api/v2/scim/Schemas": discovery("/Schemas"), "GET /api/v2/scim/Schemas/{id}": schema,
    "GET /api/v2/scim/Me": me("GET"), "POST /api/v2/scim/Me": me("POST"), "PUT /api/v2/scim/Me": me("PUT"),
    "PATCH /api/v2/scim/Me": me("PATCH"), "DELETE /api/v2/scim/Me": me("DELETE"),
    "POST /api/v2/scim/Bulk": bulk, "POST /api/v2/sign-ins": signIn, "POST /api/v2/mail-events": mailEvents,
    "GET /api/v2/directory/groups": directoryGroups, "GET /api/v2/directory/groups/{id}/members": directoryGroupMembers,
    "GET /api/v2/directory/members": directoryMembers, "GET /api/v2/directory/receipts": directoryReceipts,
    "GET /api/v2/directory/receipts/{id}": directoryReceipt, "GET /api/v2/directory/jwks": directoryKeys,
    "GET /api/v2/events": events, "GET /api/v2/events/snapshot": eventSnapshot,
  ]

  private enum Bodies {
    static let user = #"{"userName":"taken@attacker.example","active":false}"#
    static let deactivation = patch(#"{"op":"replace","path":"active","value":false}"#)

    static func patch(_ operation: String) -> String {
      #"{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[\#(operation)]}"#
    }
  }

  // MARK: - Queries

  private static func filters(_ victim: Victim) -> [String] {
    [
      #"id eq "\#(victim.user)""#, #"id eq "\#(victim.group)""#, #"userName eq "\#(victim.userName)""#, #"userName co "\#(victim.marker)""#,
      #"emails.value eq "\#(victim.userName)""#, #"emails[type eq "work" and value eq "\#(victim.userName)"]"#,
      #"groups.value eq "\#(victim.group)""#, #"members.value eq "\#(victim.user)""#, #"displayName eq "Team \#(victim.marker)""#,
      #"externalId eq "ext-\#(victim.marker)""#, #"meta.location ew "\#(victim.user)""#, #"name.givenName eq "\#(victim.marker)""#,
      #"id eq "\#(victim.user)" or id pr and userName co "\#(victim.marker)""#, #"\#(victim.schema):shoeSize pr"#,
    ]
  }

  private static func expectNoData(_ answer: HTTPResponse, _ what: String) {
    // An attribute that the resource type does not have is an error, which reveals nothing either.
    if answer.status == 400 { return }
    #expect(answer.status == 200, "\(what): \(answer.text)")
    #expect(answer.json["totalResults"] as? Int == 0, "\(what): \(answer.text)")
  }

  private static func listing(_ path: String) -> Attack {
    { attacker in
      for filter in filters(attacker.victim) {
        let encoded = filter.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
        expectNoData(try await attacker.send("GET", "\(path)?filter=\(encoded)"), filter)
      }
      let all = try await attacker.send("GET", "\(path)?sortBy=id&count=200")
      #expect(!all.text.contains(attacker.victim.user) && !all.text.contains(attacker.victim.group))
      let next = try await attacker.send("GET", "\(path)?count=1&cursor=\(attacker.victim.cursor)")
      #expect(next.status == 400 && next.json["scimType"] as? String == "invalidCursor", "\(next.text)")
    }
  }

  private static func searching(_ path: String) -> Attack {
    { attacker in
      func search(_ member: String) async throws -> HTTPResponse {
        try await attacker.send(
          "POST", "\(path)/.search", #"{"schemas":["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],\#(member)}"#)
      }
      for filter in filters(attacker.victim) {
        let text = filter.replacingOccurrences(of: "\"", with: "\\\"")
        expectNoData(try await search("\"filter\":\"\(text)\""), filter)
      }
      let next = try await search(#""count":1,"cursor":"\#(attacker.victim.cursor)""#)
      #expect(next.status == 400 && next.json["scimType"] as? String == "invalidCursor", "\(next.text)")
    }
  }

  // MARK: - Single resources

  private static func one(_ method: String, _ path: String, _ body: String? = nil) -> Attack {
    { attacker in
      let victim = attacker.victim
      let (id, tag) = path == "/Users" ? (victim.user, victim.userTag) : (victim.group, victim.groupTag)
      for headers in [[:], ["If-Match": tag], ["If-Match": "*"], ["If-None-Match": tag]] {
        for base in ["/api/v2/scim", "/api/v2/scim/v2"] {
          let answer = try await attacker.send(method, "\(base)\(path)/\(id)", body, headers: headers)
          // Not 304, 409 or 412, which would reveal that the resource exists.
          #expect(answer.status == 404, "\(method) \(headers): \(answer.status) \(answer.text)")
        }
      }
    }
  }

  private static let createUser: Attack = { attacker in
    let victim = attacker.victim
    // Names are unique only within a workspace. A conflict would reveal the other workspace's user.
    let answer = try await attacker.send(
      "POST", "/Users",
      #"""
      {"id":"\#(victim.user)","userName":"\#(victim.userName)","externalId":"\#(victim.user)","groups":[{"value":"\#(victim.group)"}],
       "emails":[{"value":"\#(victim.userName)","type":"work"}],"meta":{"location":"/Users/\#(victim.user)"}}
      """#)
    #expect(answer.status == 201, "\(answer.text)")
    let id = try #require(answer.json["id"] as? String)
    #expect(id != victim.user)
    let made = try await attacker.send("GET", "/Users/\(id)", sentBefore: victim.userName)
    #expect((made.json["groups"] as? [Any] ?? []).isEmpty)
    #expect(try await attacker.send("DELETE", "/Users/\(id)").status == 204)
  }

  private static func expectNoMembers(of group: String, _ attacker: Attacker) async throws {
    let found = try await attacker.send("GET", "/Groups/\(group)")
    #expect((found.json["members"] as? [Any] ?? []).isEmpty, "\(found.text)")
  }

  private static let createGroup: Attack = { attacker in
    let answer = try await attacker.send(
      "POST", "/Groups", #"{"displayName":"Stolen","members":[{"value":"\#(attacker.victim.user)","display":"x"}]}"#)
    #expect(answer.status == 400, "\(answer.text)")
    #expect(try await attacker.send("GET", "/Groups?filter=displayName%20eq%20%22Stolen%22").json["totalResults"] as? Int == 0)
  }

  private static let putGroup: Attack = { attacker in
    let body = #"{"displayName":"Own","members":[{"value":"\#(attacker.victim.user)"}]}"#
    try await one("PUT", "/Groups", body)(attacker)
    #expect(try await attacker.send("PUT", "/Groups/\(attacker.group)", body).status == 400)
    try await expectNoMembers(of: attacker.group, attacker)
  }

  private static let patchGroup: Attack = { attacker in
    let user = attacker.victim.user
    for operation in [
      #"{"op":"add","path":"members","value":[{"value":"\#(user)"}]}"#,
      #"{"op":"replace","path":"members","value":[{"value":"\#(user)"}]}"#,
      #"{"op":"add","value":{"members":[{"value":"\#(user)"}]}}"#,
    ] {
      try await one("PATCH", "/Groups", Bodies.patch(operation))(attacker)
      #expect(try await attacker.send("PATCH", "/Groups/\(attacker.group)", Bodies.patch(operation)).status == 400, "\(operation)")
      try await expectNoMembers(of: attacker.group, attacker)
    }
    // Removing somebody who is not a member is no error (RFC 7644 §3.5.2.2), and removes nobody.
    let removal = Bodies.patch(#"{"op":"remove","path":"members[value eq \"\#(user)\"]"}"#)
    try await one("PATCH", "/Groups", removal)(attacker)
    #expect(try await attacker.send("PATCH", "/Groups/\(attacker.group)", removal).status < 500)
  }

  // MARK: - Other routes

  private static func discovery(_ path: String) -> Attack {
    { attacker in
      let answer = try await attacker.send("GET", path)
      #expect(answer.status == 200, "\(answer.text)")
      #expect(!answer.text.contains("shoeSize"))
    }
  }

  private static let schema: Attack = { attacker in
    let answer = try await attacker.send("GET", "/Schemas/\(attacker.victim.schema)")
    #expect(answer.status == 404)
    let own = try await attacker.victim.workspace.identityProvider.send("GET", "/Schemas/\(attacker.victim.schema)")
    #expect(own.status == 200)
  }

  private static func me(_ method: String) -> Attack {
    { attacker in
      let answer = try await attacker.send(method, "/Me", method == "GET" ? nil : Bodies.user)
      #expect(answer.status == 501)
    }
  }

  private static let bulk: Attack = { attacker in
    let victim = attacker.victim
    func execute(_ operations: String) async throws -> [String] {
      let answer = try await attacker.send(
        "POST", "/Bulk", #"{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"Operations":[\#(operations)]}"#)
      #expect(answer.status == 200, "\(answer.text)")
      return (answer.json["Operations"] as? [[String: Any]] ?? []).compactMap { $0["status"] as? String }
    }
    // A bulkId of another workspace's request is not a valid reference.
    let made = try await victim.workspace.identityProvider.send(
      "POST", "/Bulk",
      body: #"""
        {"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"Operations":[
          {"method":"POST","path":"/Groups","bulkId":"theirs","data":{"displayName":"Bulk \#(victim.marker)"}}]}
        """#)
    let location = try #require((made.json["Operations"] as? [[String: Any]])?.first?["location"] as? String, "\(made.text)")
    #expect(
      try await execute(
        #"""
        {"method":"PUT","path":"/Users/\#(victim.user)","data":\#(Bodies.user)},
        {"method":"PATCH","path":"/Users/\#(victim.user)","version":"W/\"1\"","data":\#(Bodies.deactivation)},
        {"method":"DELETE","path":"/Users/\#(victim.user)"},
        {"method":"DELETE","path":"/Groups/\#(victim.group)","version":"*"},
        {"method":"DELETE","path":"/Groups/bulkId:theirs"},
        {"method":"POST","path":"/Groups","bulkId":"own","data":{"displayName":"Bulk own","members":[{"value":"\#(victim.user)"}]}},
        {"method":"PATCH","path":"/Groups/\#(attacker.group)","data":\#(Bodies.patch(#"{"op":"add","path":"members","value":[{"value":"\#(victim.user)"}]}"#))}
        """#
      ).allSatisfy { ["400", "404", "409"].contains($0) })
    try await expectNoMembers(of: attacker.group, attacker)
    let id = try #require(location.split(separator: "/").last)
    #expect(try await victim.workspace.identityProvider.send("DELETE", "/Groups/\(id)").status == 204)
  }

  private static let signIn: Attack = { attacker in
    let victim = attacker.victim
    #expect(try await attacker.send("POST", "/api/v2/sign-ins", #"{"user":"\#(victim.user)"}"#).status == 403)
    let printed = try await attacker.workspace.scimctl(["token", "issue", "--name", "product", "--scope", "sign-ins"])
    let token = printed.trimmingCharacters(in: .whitespacesAndNewlines)
    for body in [#"{"user":"\#(victim.user)"}"#, #"{"email":"\#(victim.userName)"}"#, #"{"user":"\#(attacker.user)"}"#] {
      #expect(try await attacker.send("POST", "/api/v2/sign-ins", body, token: token).status == 202)
    }
    // The outcome says nothing about users of other workspaces.
    for (body, outcome) in [(#"{"user":"\#(victim.user)"}"#, "unknown"), (#"{"email":"\#(victim.userName)"}"#, "remembered")] {
      let answer = try await attacker.send("POST", "/api/v2/sign-ins", body, headers: ["Prefer": "wait=20"], token: token)
      #expect(answer.json["outcome"] as? String == outcome && answer.json["user"] == nil)
    }
    for body in [
      #"{"email":"a@attacker.example","workspace":"\#(victim.workspace.slug)"}"#,
      #"{"signIns":[{"email":"a@attacker.example","workspace":"\#(victim.workspace.slug)"}]}"#,
    ] {
      #expect([400, 403].contains(try await attacker.send("POST", "/api/v2/sign-ins", body, token: token).status))
    }
    // When the attacker's own user is active, its earlier sign-ins have been processed.
    try await eventually("the attacker's own user to be active", within: .seconds(30)) {
      try await attacker.workspace.scimctl(["user", "list", "--state", "active"]).contains("own@attacker.example")
    }
    #expect(try await victim.workspace.scimctl(["user", "list", "--state", "active"]).contains("@") == false)
  }
}
