import Credentials
import Foundation
import Models
import Testing

@testable import AdminConsole
@testable import EdgeHTTP
@testable import EdgeReads
@testable import ManagementAPI
@testable import ProductAPI
@testable import SCIMControllers
@testable import ScimAPI

@Suite("Authentication of the product", .timeLimit(.minutes(10)))
struct ProductAuthenticationTests {
  private static let body = #"{"email":"ana@example.com"}"#

  /// A second workspace.
  private static let globex = NamedWorkspace(
    id: .made(at: Date()),
    settings: WorkspaceSettings(
      slug: "globex", name: "Globex", plan: .free, samlSSO: false, scimEnabled: false, signInURL: "https://globex.example/"),
    version: 1)

  private static func builder() -> (builder: EdgeBuilder, token: String) {
    var builder = EdgeBuilder()
    builder.otherWorkspaces = [globex]
    let token = builder.addDeploymentToken()
    return (builder, token)
  }

  @Test("A deployment-wide token acts in the workspace that the header names by id or slug")
  func named() async throws {
    let (builder, token) = Self.builder()
    try await serving(builder, token: token) { [builder] client in
      for name in ["globex", "\(Self.globex.id)", "acme"] {
        let answer = try await client.send("POST", "", Self.body, headers: ["Rollcall-Workspace": name], base: ResourcePath.signIns)
        #expect(answer.status == 202, "\(answer.text)")
      }
      #expect(builder.signIns.entries.map(\.workspace) == [Self.globex.id, Self.globex.id, builder.workspace])
    }
  }

  @Test(
    "A request with a deployment-wide token must name one workspace that exists",
    arguments: [
      (String?.none, 400, "workspace-not-named"), ("initech", 404, "unknown-workspace"),
      ("00000000-0000-0000-0000-000000000000", 404, "unknown-workspace"),
      ("01997b5e-8c20-7c03-8e50-2c7403f8db13", 404, "unknown-workspace"),
      ("Globex", 404, "unknown-workspace"), ("globex' or true", 404, "unknown-workspace"),
    ])
  func badNames(name: String?, status: Int, problem: String) async throws {
    let (builder, token) = Self.builder()
    try await serving(builder, token: token) { [builder] client in
      let headers = name.map { ["Rollcall-Workspace": $0] } ?? [:]
      let answer = try await client.send("POST", "", Self.body, headers: headers, base: ResourcePath.signIns)
      #expect(answer.status == status, "\(answer.text)")
      #expect(answer.headers["content-type"] == ProblemDetails.mediaType)
      #expect(answer.json["type"]?.string == "urn:rollcall:problem:\(problem)")
      #expect(answer.json["status"]?.integer == Int64(status))
      #expect(builder.signIns.entries.isEmpty)
    }
  }

  @Test(
    "The token of a workspace may name its own workspace only", arguments: ["globex", "initech", "00000000-0000-0000-0000-000000000000"])
  func otherWorkspace(name: String) async throws {
    let (builder, _) = Self.builder()
    try await serving(builder) { [builder] client in
      for own in ["acme", "\(builder.workspace)"] {
        let answer = try await client.send("POST", "", Self.body, headers: ["Rollcall-Workspace": own], base: ResourcePath.signIns)
        #expect(answer.status == 202, "\(answer.text)")
      }
      // Whether the other workspace exists makes no difference.
      let answer = try await client.send("POST", "", Self.body, headers: ["Rollcall-Workspace": name], base: ResourcePath.signIns)
      #expect(answer.status == 403)
      #expect(answer.json["type"]?.string == "urn:rollcall:problem:other-workspace")
      #expect(builder.signIns.entries.count == 2)
    }
  }

  @Test("A deployment-wide token needs the scope of the route, and ends with its revocation")
  func scopes() async throws {
    var builder = EdgeBuilder()
    let (narrow, revoked) = (builder.addDeploymentToken([.directory, .scim]), builder.addDeploymentToken(revokedAt: Date()))
    for (token, status) in [(narrow, 403), (revoked, 401)] {
      try await serving(builder, token: token) { client in
        let answer = try await client.send("POST", "", Self.body, headers: ["Rollcall-Workspace": "acme"], base: ResourcePath.signIns)
        #expect(answer.status == status, "\(answer.text)")
        #expect(answer.headers["www-authenticate"]?.hasPrefix("Bearer realm=") == true)
      }
    }
  }

  @Test(
    "A rejected request of the product names the product's token and how to get one, not the identity provider",
    arguments: [ResourcePath.signIns, ResourcePath.events, "/api/v2/admin/workspaces", "/api/v2/directory/groups"])
  func advice(path: String) async throws {
    var builder = EdgeBuilder()
    let revoked = builder.addDeploymentToken(revokedAt: Date())
    let unknown = AccessToken.made(for: builder.workspace).text
    let narrow = builder.addDeploymentToken([.scim])
    try await serving(builder) { client in
      let method = path == ResourcePath.signIns ? "POST" : "GET"
      for (authorization, status) in [
        (nil, 401), ("Bearer \(revoked)", 401), ("Bearer \(unknown)", 401), ("Bearer rollcall_x", 401), ("Basic dTpw", 401),
        ("Bearer Bearer \(unknown)", 401), ("Bearer \(narrow)", 403),
      ] as [(String?, Int)] {
        var headers = ["Host": "app.example.com", "Rollcall-Workspace": "acme"]
        headers["Authorization"] = authorization
        let answer = try await client.sendRaw(method, path, method == "POST" ? Self.body : "", headers: headers)
        #expect(answer.status == status, "\(answer.text)")
        #expect(!answer.detail.contains("identity provider"), "\(answer.text)")
        #expect(answer.detail.contains("token"), "\(answer.text)")
        #expect(answer.headers["www-authenticate"]?.hasPrefix("Bearer realm=") == true)
        // The same mistake at the SCIM endpoint is the identity provider's. There, a deployment-wide token has another error.
        headers["Rollcall-Workspace"] = nil
        guard status == 401, authorization?.contains(revoked) != true else { continue }
        let scim = try await client.sendRaw("GET", "\(ResourcePath.base)/Users", "", headers: headers)
        #expect(scim.status == 401 && scim.detail != answer.detail, "\(scim.text)")
      }
    }
  }

  @Test("A deployment-wide token opens neither SCIM nor the console, whatever workspace the request names")
  func notElsewhere() async throws {
    var (builder, _) = EdgeBuilder.withConsole()
    let token = builder.addDeploymentToken([.admin, .directory, .signIns, .events, .scim])
    try await serving(builder, token: token) { client in
      let answer = try await client.send("GET", "/Users", headers: ["Rollcall-Workspace": "acme"])
      #expect(answer.status == 403)
      #expect(answer.detail.contains("deployment-wide"), "\(answer.text)")
      var browser = Browser(client)
      let page = try await browser.signIn()
      #expect(page.status == 403 && browser.cookies.isEmpty)
      #expect(page.text.contains("deployment-wide"), "\(page.text)")
    }
  }

  @Test("Commands and token uses name the deployment-wide token, and its uses are counted for the deployment")
  func actor() async throws {
    var builder = EdgeBuilder()
    let id = TokenID.made(at: Date())
    let token = builder.addDeploymentToken(id: id)
    try await serving(builder, token: token) { [builder] client in
      let answer = try await client.send(
        "POST", "", #"{"event":"bounced","email":"ana@example.com"}"#, headers: ["Rollcall-Workspace": "acme"],
        base: ResourcePath.mailEvents)
      #expect(answer.status == 202, "\(answer.text)")
      #expect(builder.mailReporters.entries == [.deploymentToken(id)])
    }
    var counts = TokenUseCounts()
    let record = try #require(builder.others.values.first)
    let caller = try record.granted(.admin, at: Date()).acting(in: Self.globex)
    #expect(caller.workspace == Self.globex.id && caller.home == .deployment)
    counts.record(caller.token, of: caller.home, from: "192.0.2.1", at: Date())
    #expect(counts.take().map(\.workspace) == [.deployment])
  }

  @Test("A deployment-wide token has limits of its own, and those of the workspaces that it names")
  func rates() async throws {
    let (made, token) = Self.builder()
    var builder = made
    builder.rates.token = Rate(perSecond: 0.001, burst: 1)
    builder.rates.workspace = Rate(perSecond: 0.001, burst: 2)
    builder.rates.maximumHold = 0
    try await serving(builder, token: token) { client in
      func send(_ name: String) async throws -> Answer {
        try await client.send("POST", "", Self.body, headers: ["Rollcall-Workspace": name], base: ResourcePath.signIns)
      }
      for name in ["acme", "acme", "globex", "globex"] { #expect(try await send(name).status == 202) }
      let answer = try await send("acme")
      #expect(answer.status == 429 && answer.headers["retry-after"] != nil)
      #expect(answer.headers["content-type"] == ProblemDetails.mediaType)
    }
    builder.rates = RateLimits.Rates(deploymentToken: Rate(perSecond: 0.001, burst: 1), maximumHold: 0)
    try await serving(builder, token: token) { client in
      for status in [202, 429] {
        let answer = try await client.send("POST", "", Self.body, headers: ["Rollcall-Workspace": "acme"], base: ResourcePath.signIns)
        #expect(answer.status == status)
      }
    }
  }

  @Test("A request about the whole deployment counts for its token alone")
  func deploymentRate() throws {
    let limits = RateLimits(
      RateLimits.Rates(deploymentToken: Rate(perSecond: 0.001, burst: 3), workspace: Rate(perSecond: 0.001, burst: 1)), now: { 0 })
    let token = TokenID.made(at: Date())
    for _ in 0..<3 { try limits.count(token, of: .deployment, isDeploymentWide: true) }
    let refusal = #expect(throws: APIError.self) { try limits.count(token, of: .deployment, isDeploymentWide: true) }
    #expect(refusal?.error.detail.contains("this token") == true)
  }

  @Test("At a custom domain, a deployment-wide token acts only in the workspace of the domain")
  func customDomain() async throws {
    let (made, token) = Self.builder()
    var builder = made
    builder.domains = ["scim.acme.example": builder.workspace]
    try await serving(builder, token: token) { client in
      for (name, status) in [("acme", 202), ("globex", 401)] {
        let answer = try await client.sendRaw(
          "POST", ResourcePath.signIns, Self.body,
          headers: ["Host": "scim.acme.example", "Authorization": "Bearer \(token)", "Rollcall-Workspace": name])
        #expect(answer.status == status, "\(answer.text)")
      }
    }
  }

  @Test(
    "Errors of the product API and the management API are problem details",
    arguments: [
      ("GET", "/api/v2/admin/nothing", 404), ("GET", "/api/v2/admin", 404), ("PUT", "/api/v2/admin/workspaces", 405),
      ("DELETE", "/api/v2/sign-ins", 405), ("GET", "/api/v2/directory/nothing", 404), ("POST", "/api/v2/directory/groups", 405),
    ])
  func problems(method: String, path: String, status: Int) async throws {
    let (builder, token) = Self.builder()
    try await serving(builder, token: token) { client in
      let answer = try await client.send(method, path, base: "")
      #expect(answer.status == status, "\(answer.text)")
      #expect(answer.headers["content-type"] == ProblemDetails.mediaType)
      #expect(answer.headers["cache-control"] == "no-store")
      #expect(answer.json["type"] == "about:blank" && answer.json["title"]?.string?.isEmpty == false && !answer.detail.isEmpty)
      #expect((answer.headers["allow"] != nil) == (status == 405))
      // SCIM keeps its own format, and similar paths do not belong to the API.
      for other in ["/api/v2/scim/nothing", "/api/v2/administrators"] {
        #expect(try await client.send("GET", other, base: "").headers["content-type"] != ProblemDetails.mediaType)
      }
    }
  }

  @Test("A body that is too large gets 413 as problem details")
  func largeBody() async throws {
    let (builder, token) = Self.builder()
    try await serving(builder, token: token) { client in
      let body = #"{"event":"bounced","email":"\#(String(repeating: "a", count: 20_000))"}"#
      let answer = try await client.send("POST", "", body, headers: ["Rollcall-Workspace": "acme"], base: ResourcePath.mailEvents)
      #expect(answer.status == 413)
      #expect(answer.headers["content-type"] == ProblemDetails.mediaType)
    }
  }
}
