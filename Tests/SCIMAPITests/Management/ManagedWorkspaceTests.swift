import Foundation
import Models
import SCIM
import Testing

@testable import AdminConsole
@testable import EdgeHTTP
@testable import EdgeReads
@testable import ManagementAPI
@testable import ProductAPI
@testable import SCIMControllers
@testable import ScimAPI

@Suite("The management API: workspaces", .timeLimit(.minutes(10)))
struct ManagedWorkspaceTests {
  private static let base = "\(ResourcePath.admin)/workspaces"

  private static func body(_ slug: String) -> String {
    #"{"slug":"\#(slug)","name":"Globex","signInURL":"https://globex.example/sign-in","plan":"enterprise","samlSSO":true}"#
  }

  @Test("A workspace is created once for each idempotency key, and shown with its entity tag")
  func creation() async throws {
    let store = try await ManagementStore.start()
    let (builder, token) = store.builder()
    try await serving(builder, token: token) { client in
      let headers = ["Content-Type": "application/json", "Idempotency-Key": "\(UUID())"]
      let made = try await client.send("POST", "", Self.body("globex"), headers: headers, base: Self.base)
      #expect(made.status == 201, "\(made.text)")
      let id = try #require(made.json["id"]?.string)
      #expect(made.headers["location"] == "\(Self.base)/\(id)" && made.headers["etag"] == "\"1\"")
      #expect(made.headers["cache-control"] == "no-store")
      #expect(made.json["scim"] == ["isAvailable": false, "missing": "scimEnabled"])
      #expect(made.json["defaultRole"] == "viewer" && made.json["invitations"]?.object?["sending"] == "immediately")
      let again = try await client.send("POST", "", Self.body("globex"), headers: headers, base: Self.base)
      #expect(again.status == 201 && again.json["id"]?.string == id)
      #expect(store.executed.entries.count == 1)
      let other = try await client.send("POST", "", Self.body("initech"), headers: headers, base: Self.base)
      #expect(other.status == 422)
      #expect(other.json["type"]?.string == "urn:rollcall:problem:idempotency-conflict")
    }
    await store.store.close()
  }

  @Test("A request is executed after all if identity-store was too late for the first one with its key")
  func lateStore() async throws {
    let store = try await ManagementStore.start()
    let (builder, token) = store.builder()
    store.refusals.withLock { $0 = [503] }
    try await serving(builder, token: token) { client in
      let made = try await client.send(
        "POST", "", Self.body("globex"), headers: ["Content-Type": "application/json", "Idempotency-Key": "\(UUID())"], base: Self.base)
      #expect(made.status == 201, "\(made.text)")
      #expect(Set(builder.sentCommands.entries.map(\.id)).count == 2)
    }
    await store.store.close()
  }

  @Test("What depends on settings shows those that are stored, also while the cached ones of the caller are older")
  func changedSettings() async throws {
    let bench = try await ManagementBench.start()
    let store = bench.store
    let ana = try await store.insertUsers(["ana"])[0]
    var settings = store.settings
    settings.scimEnabled = false
    settings.customRoles.append("Auditor")
    settings.signInURL = "https://login.acme.example"
    settings.accountLinking = .externalID
    try await store.write(
      "update identity.workspaces set settings = $2, version = version + 1 where id = $1",
      [.uuid(store.workspace.uuid), .json(try JSONData.encode(settings))])
    for token in [bench.token, bench.deploymentToken] {
      try await bench.serving(token: token) { client in
        let health = try await client.get("/health")
        #expect(health.json["isOpen"] == false && health.json["obstacle"] == "optIn", "\(health.text)")
        #expect(try await client.get("/roles").items("roles").texts("name").contains("Auditor"))
        #expect(try await client.get("/members/\(ana)").json["signInLink"] == "https://login.acme.example")
        let report = try await client.send(
          "POST", "/accounts?dryRun=true", #"{"id":"ext-ana","email":"ana@elsewhere.example"}"#,
          headers: ["Content-Type": "application/x-ndjson"])
        #expect(report.json["matching"] == 1, "\(report.text)")
      }
    }
    await store.close()
  }

  @Test("Workspaces are listed by slug in pages; the token of a workspace lists its own only, and creates none")
  func list() async throws {
    let store = try await ManagementStore.start()
    let (builder, token) = store.builder()
    try await serving(builder, token: token) { client in
      for slug in ["globex", "initech", "umbrella"] {
        let made = try await client.send("POST", "", Self.body(slug), headers: ["Content-Type": "application/json"], base: Self.base)
        #expect(made.status == 201, "\(made.text)")
      }
      var slugs: [String] = []
      var cursor: String?
      repeat {
        let page = try await client.send("GET", "?limit=3" + (cursor.map { "&cursor=\($0)" } ?? ""), base: Self.base)
        #expect(page.status == 200, "\(page.text)")
        slugs += page.json["workspaces"]?.array?.compactMap { $0.object?["slug"]?.string } ?? []
        cursor = page.json["nextCursor"]?.string
      } while cursor != nil
      #expect(slugs == ["acme", "globex", "initech", "umbrella"])
      for query in ["?limit=0", "?limit=201", "?limit=x", "?cursor=abc"] {
        let answer = try await client.send("GET", query, base: Self.base)
        #expect(answer.status == 400 && answer.headers["content-type"] == ProblemDetails.mediaType, "\(query): \(answer.text)")
      }
    }
    try await serving(builder) { client in
      // The workspace of the token is not in the database.
      let page = try await client.send("GET", "", base: Self.base)
      #expect(page.status == 200 && page.json["workspaces"] == [])
      let made = try await client.send("POST", "", Self.body("mine"), headers: ["Content-Type": "application/json"], base: Self.base)
      #expect(made.status == 403)
    }
    await store.store.close()
  }

  @Test("A merge patch changes the members that it has, and If-Match protects against lost updates")
  func update() async throws {
    let store = try await ManagementStore.start()
    let (builder, token) = store.builder()
    let path = "/stored"
    @Sendable func patch(_ client: HTTPClient, _ body: String, ifMatch: String? = nil) async throws -> Answer {
      var headers = ["Content-Type": "application/merge-patch+json"]
      headers["If-Match"] = ifMatch
      return try await client.send("PATCH", path, body, headers: headers, base: Self.base)
    }
    try await serving(builder, token: token) { client in
      let shown = try await client.send("GET", path, base: Self.base)
      #expect(shown.status == 200 && shown.headers["etag"] == "\"1\"", "\(shown.text)")
      let unchanged = try await client.send("GET", path, headers: ["If-None-Match": "\"1\""], base: Self.base)
      #expect(unchanged.status == 304 && unchanged.body.isEmpty)

      let changed = try await patch(
        client,
        #"""
        {"customRoles":["Analyst"],"invitations":{"sending":"delayed","delaySeconds":60,"expiryDays":null,"branding":{"colour":"#2f5fe0"}},
         "changeGuard":{"maximumDeactivations":10,"notify":"it@acme.example"}}
        """#, ifMatch: "\"1\"")
      #expect(changed.status == 200 && changed.headers["etag"] == "\"2\"", "\(changed.text)")
      #expect(changed.json["customRoles"] == ["Analyst"] && changed.json["slug"] == "acme")
      #expect(
        changed.json["invitations"] == [
          "sending": "delayed", "delaySeconds": 60, "reminderDays": [3, 7], "expiryDays": nil, "branding": ["colour": "#2f5fe0"],
        ])
      #expect(changed.json["changeGuard"]?.object?["minimumMembers"] == 10)

      let late = try await patch(client, #"{"name":"Late"}"#, ifMatch: "\"1\"")
      #expect(late.status == 412 && late.headers["etag"] == "\"2\"", "\(late.text)")
      // Another way of sending replaces the parameters of the former one; null removes.
      let next = try await patch(client, #"{"invitations":{"sending":"none"},"changeGuard":null}"#)
      #expect(next.status == 200, "\(next.text)")
      #expect(next.json["invitations"]?.object?["delaySeconds"] == nil && next.json["changeGuard"] == nil)
      // Members that a response has may be sent back.
      let same = try await patch(client, next.text)
      #expect(same.status == 200, "\(same.text)")
    }
    await store.store.close()
  }

  @Test("A change without If-Match is repeated if somebody else was faster")
  func race() async throws {
    let store = try await ManagementStore.start()
    let (builder, token) = store.builder()
    store.refusals.withLock { $0 = [412, 412] }
    try await serving(builder, token: token) { client in
      let headers = ["Content-Type": "application/json", "Idempotency-Key": "\(UUID())"]
      for _ in 0..<2 {
        let answer = try await client.send("PATCH", "/stored", #"{"name":"Acme 2"}"#, headers: headers, base: Self.base)
        #expect(answer.status == 200 && answer.json["name"] == "Acme 2", "\(answer.text)")
      }
      #expect(store.executed.entries.count == 1)
    }
    await store.store.close()
  }

  @Test(
    "Invalid members are reported with their JSON pointers, and nothing is changed",
    arguments: [
      (#"{"plna":"team"}"#, 400, "/plna"), (#"{"plan":"gold"}"#, 400, "/plan"), (#"{"samlSSO":"yes"}"#, 400, "/samlSSO"),
      (#"{"name":null}"#, 400, "/name"), (#"{"invitations":{"branding":{"color":"red"}}}"#, 400, "/invitations/branding/color"),
      (#"{"invitations":{"sending":"never"}}"#, 400, "/invitations/sending"), (#"{"id":"x"}"#, 400, "/id"),
      (#"{"version":9}"#, 400, "/version"),
      (#"{"extensions":[{"id":"urn:x:y","attributes":[{"name":"a","typ":"integer"}]}]}"#, 400, "/extensions/0/attributes/0/typ"),
      (#"{"customRoles":[1]}"#, 400, "/customRoles/0"), (#"{"a/b~c":1}"#, 400, "/a~1b~0c"),
    ])
  func invalid(body: String, status: Int, pointer: String) async throws {
    let store = try await ManagementStore.start()
    let (builder, token) = store.builder()
    try await serving(builder, token: token) { client in
      let answer = try await client.send("PATCH", "/stored", body, headers: ["Content-Type": "application/json"], base: Self.base)
      #expect(answer.status == status, "\(answer.text)")
      #expect(answer.json["type"]?.string == "urn:rollcall:problem:invalid-body")
      #expect(answer.json["errors"]?.array?.compactMap { $0.object?["pointer"]?.string } == [pointer], "\(answer.text)")
      #expect(store.executed.entries.isEmpty)
    }
    await store.store.close()
  }

  @Test("Bodies that are no JSON object, and headers that are malformed, are explained")
  func malformed() async throws {
    let store = try await ManagementStore.start()
    let (builder, token) = store.builder()
    try await serving(builder, token: token) { client in
      for (body, headers, status) in [
        ("[]", [:], 400), ("{", [:], 400), ("", [:], 400), ("{}", ["Content-Type": "text/xml"], 415),
        ("{}", ["If-Match": "1"], 400), ("{}", ["Idempotency-Key": "short"], 400),
      ] as [(String, [String: String], Int)] {
        let all = ["Content-Type": "application/json"].merging(headers) { $1 }
        let answer = try await client.send("PATCH", "/stored", body, headers: all, base: Self.base)
        #expect(answer.status == status, "\(body) \(headers): \(answer.text)")
        #expect(answer.headers["content-type"] == ProblemDetails.mediaType && !answer.detail.isEmpty)
      }
      #expect(store.executed.entries.isEmpty)
    }
    await store.store.close()
  }

  @Test("An admin of the workspace cannot change what belongs to the operator")
  func operatorOnly() throws {
    let settings = EdgeBuilder().settings
    let workspace = DetailedWorkspace(id: .made(at: Date()), settings: settings, version: 1, createdAt: Date(), modifiedAt: Date())
    func apply(_ text: String, isDeploymentWide: Bool) throws -> WorkspaceSettings {
      let patch = try #require(try JSON(parsing: text).object)
      return try WorkspaceDocument(settings).applying(patch, to: workspace, isDeploymentWide: isDeploymentWide)
    }
    for text in [
      #"{"plan":"free"}"#, #"{"slug":"other"}"#, #"{"customDomains":["scim.acme.example"]}"#, #"{"samlSSO":false}"#,
      #"{"signInURL":"https://evil.example/"}"#,
    ] {
      let problem = #expect(throws: ProblemDetails.self) { try apply(text, isDeploymentWide: false) }
      #expect(problem?.code == 403 && problem?.errors.count == 1)
      #expect(try apply(text, isDeploymentWide: true) != settings)
    }
    #expect(try apply(#"{"name":"Acme Inc","plan":"enterprise","scimEnabled":false}"#, isDeploymentWide: false).name == "Acme Inc")
  }

  @Test("Every setting of a workspace survives the way through its document")
  func roundTrip() throws {
    var settings = EdgeBuilder().settings
    settings.customRoles = ["Analyst"]
    settings.customDomains = ["scim.acme.example"]
    settings.adminLanguage = "de"
    settings.changeGuard = ChangeGuard(maximumShrink: 0.25, notify: "it@acme.example")
    settings.invitations = InvitationPolicy(
      sending: .digest(address: "it@acme.example"), reminderDays: [], expiryDays: nil, branding: InvitationBranding(inviter: "IT"))
    settings.extensions = [
      SchemaExtension(id: "urn:x:y", name: "y", attributes: [.init(name: "a", type: .complex, subAttributes: [.init(name: "b")])])
    ]
    let workspace = DetailedWorkspace(id: .made(at: Date()), settings: settings, version: 4, createdAt: Date(), modifiedAt: Date())
    let response = try WorkspaceDocument.response(workspace)
    #expect(try WorkspaceDocument(settings).applying(response, to: workspace, isDeploymentWide: false) == settings)
    #expect(try WorkspaceDocument(settings).applying(JSONObject(), to: workspace, isDeploymentWide: false) == settings)
  }
}
