import Foundation
import Models
import SCIM
import Testing

@testable import ProvisioningLog

@Suite("Diagnoses of failed requests")
struct DiagnosisTests {
  private static let now = Date(timeIntervalSince1970: 1_769_850_000)
  private static let settings = WorkspaceSettings(
    slug: "acme", name: "Acme", plan: .enterprise, samlSSO: true, scimEnabled: true, signInURL: "https://acme.example/",
    customRoles: ["Data Steward"])

  private static func entry(
    _ status: Int, _ scimType: String? = nil, method: String = "PUT",
    path: String = "/api/v2/scim/Users/01997b5e-7a00-7a01-8d3e-0a52e1d6b9f1",
    detail: String? = nil, provider: String? = "okta", type: LogEntry.ResourceType? = .user
  ) -> LogEntry {
    var entry = LogEntry(
      id: .made(at: now), workspace: .made(at: now), at: now, method: method, path: path, status: status, milliseconds: 1)
    entry.scimType = scimType
    entry.detail = detail
    entry.identityProvider = provider
    entry.resourceType = type
    entry.resource = path.split(separator: "/").last.flatMap { ResourceID($0) }
    return entry
  }

  private static func context(_ change: (inout DiagnosisContext) -> Void = { _ in }) -> DiagnosisContext {
    var context = DiagnosisContext()
    context.settings = settings
    change(&context)
    return context
  }

  private static func token(_ change: (inout DiagnosisContext.Token) -> Void = { _ in }) -> DiagnosisContext.Token {
    var token = DiagnosisContext.Token(name: "Okta", scopes: ["scim"], expiresAt: nil, revokedAt: nil)
    change(&token)
    return token
  }

  @Test("A successful request has no diagnosis")
  func success() {
    #expect(Diagnosis(of: Self.entry(200), Self.context()) == nil)
  }

  @Test("A POST that may not reuse a disabled user's record names that user and the policy that reuses records")
  func relinkRefused() throws {
    let entry = Self.entry(
      409, "uniqueness", method: "POST", path: "/api/v2/scim/Users",
      detail: "The user with id 42 and userName 'ana' is disabled. The workspace's relink policy is 'never', so the record is not reused.")
    let diagnosis = try #require(Diagnosis(of: entry, Self.context()))
    #expect(diagnosis.cause == .relinkRefused)
    #expect(diagnosis.explanation.contains("'ana' is disabled"))
    #expect(diagnosis.fix.contains("--relink same-person"))
  }

  @Test(
    "A stale id names the user who has the name now, and the steps in the identity provider",
    arguments: [
      ("okta", "Assignments", "X beside 'ana@example.com'"), ("entra", "Provision on demand", "Restart provisioning"),
      ("onelogin", "Users > Users > 'ana@example.com'", "delete this app"), (nil, "unassign 'ana@example.com'", "assign them again"),
    ] as [(String?, String, String)])
  func staleUser(_ provider: String?, _ first: String, _ second: String) throws {
    let owner = DiagnosisContext.NameOwner(id: .made(at: Self.now), name: "ana@example.com", externalID: nil, state: "invited")
    let diagnosis = try #require(
      Diagnosis(
        of: Self.entry(404, provider: provider),
        Self.context {
          $0.nameOwner = owner
          $0.deletedAt = Self.now
        }))
    #expect(diagnosis.cause == .staleUser)
    #expect(diagnosis.explanation.contains("deleted on 2026-01-31"))
    #expect(diagnosis.explanation.contains("'ana@example.com' belongs today to the user with id \(owner.id), who is invited"))
    #expect(diagnosis.fix.contains(first))
    #expect(diagnosis.fix.contains(second))
  }

  @Test("A stale id whose name is free, that exists again, or that is a group's has its own explanation or fix")
  func staleVariants() throws {
    var entry = Self.entry(404)
    entry.name = "ben@example.com"
    #expect(try #require(Diagnosis(of: entry, Self.context())).explanation.contains("Nobody has the name 'ben@example.com' now"))
    let existing = try #require(Diagnosis(of: entry, Self.context { $0.resourceExists = true }))
    #expect(existing.fix.contains("scimctl log replay \(entry.id)"))
    let group = try #require(
      Diagnosis(of: Self.entry(404, path: "/api/v2/scim/Groups/01997b5e-7a00-7a01-8d3e-0a52e1d6b9f1", type: .group), Self.context()))
    #expect(group.cause == .staleGroup)
    #expect(group.fix.contains("Push Groups"))
  }

  /// Rejected requests, and the causes of their diagnoses.
  @Test(
    "Each rejection has a cause",
    arguments: [
      (entry(404, path: "/scim/Users", type: nil), context(), .wrongURL),
      (entry(401), context(), .tokenUnknown),
      (entry(401), context { $0.token = token { $0.revokedAt = now - 60 } }, .tokenRevoked),
      (entry(401), context { $0.token = token { $0.expiresAt = now - 60 } }, .tokenExpired),
      (entry(401, detail: "not at the domain acme.example"), context { $0.token = token() }, .otherWorkspace),
      (entry(401), context { $0.token = token { $0.revokedAt = now + 60 } }, .loginRefused),
      (entry(403), context { $0.token = token { $0.scopes = ["sign-ins"] } }, .tokenScope),
      (entry(403), context { $0.settings?.plan = .free }, .closedByPlan),
      (entry(403), context { $0.settings?.samlSSO = false }, .closedBySSO),
      (entry(403), context { $0.settings?.scimEnabled = false }, .closedByOptIn),
      (entry(403), context { $0.token = token() }, .closed),
      (entry(403, detail: "All 5 seats of this workspace are taken: 5 users."), context { $0.token = token() }, .seatsTaken),
      (entry(403, "sensitive"), context(), .secretInURL),
      (entry(403), DiagnosisContext(), .forbidden),
      (
        entry(409, "uniqueness"), context { $0.nameOwner = .init(id: .made(at: now), name: "ana", externalID: "00u", state: "active") },
        .userNameTaken
      ),
      (entry(409, "uniqueness"), context(), .userNameTaken),
      (
        entry(409, "uniqueness", type: .group),
        context { $0.nameOwner = .init(id: .made(at: now), name: "Data", externalID: nil, state: nil) },
        .groupNameTaken
      ),
      (entry(409), context(), .conflict),
      (entry(400, "invalidValue", detail: "secodaRole: this workspace has no role 'x'."), context(), .unknownRole),
      (
        entry(400, "invalidValue", detail: "members.value: no user"), context { $0.unknownMembers = [.init(id: "x", deletedAt: now)] },
        .unknownMembers
      ),
      (entry(400, "invalidValue", detail: "members.value: no user"), context(), .unknownMembers),
      (entry(400, "invalidValue", detail: "active must be"), context(), .invalidValue),
      (entry(400, "invalidPath"), context(), .invalidPath), (entry(400, "noTarget"), context(), .noTarget),
      (entry(400, "invalidFilter"), context(), .invalidFilter), (entry(400, "invalidSyntax"), context(), .invalidSyntax),
      (entry(400, "invalidVers"), context(), .invalidVersion), (entry(400, "mutability"), context(), .mutability),
      (entry(400, "expiredCursor"), context(), .invalidCursor), (entry(400, "invalidCursor"), context(), .invalidCursor),
      (entry(400, "invalidCount"), context(), .invalidCursor), (entry(400, "tooMany"), context(), .tooMany),
      (entry(400), context(), .badRequest),
      (entry(405), context(), .wrongMethod), (entry(406), context(), .notAcceptable), (entry(412), context(), .changedMeanwhile),
      (entry(413), context(), .tooLarge), (entry(415), context(), .mediaType), (entry(429), context(), .tooManyRequests),
      (entry(503), context(), .unavailable), (entry(500), context(), .defect), (entry(418), context(), .other),
    ] as [(LogEntry, DiagnosisContext, Diagnosis.Cause)])
  func causes(_ entry: LogEntry, _ context: DiagnosisContext, _ cause: Diagnosis.Cause) throws {
    let diagnosis = try #require(Diagnosis(of: entry, context))
    #expect(diagnosis.cause == cause)
    #expect(diagnosis.explanation.count > 10 || entry.detail == diagnosis.explanation)
    #expect(diagnosis.fix.count > 10)
  }

  @Test("Every scimType has a cause of its own")
  func types() throws {
    for type in SCIMErrorType.allCases where type != .uniqueness && type != .sensitive {
      let diagnosis = try #require(Diagnosis(of: Self.entry(400, type.rawValue), Self.context()))
      #expect(diagnosis.cause != .badRequest, "\(type)")
    }
  }

  @Test("An explanation names the valid roles, the unknown members and the failed operations of a bulk request")
  func explanations() throws {
    let role = try #require(Diagnosis(of: Self.entry(400, "invalidValue", detail: "secodaRole: no role 'x'."), Self.context()))
    #expect(role.explanation.contains("admin, editor, viewer, Data Steward"))
    let members = try #require(
      Diagnosis(
        of: Self.entry(400, "invalidValue", detail: "members.value: no user"),
        Self.context { $0.unknownMembers = (0..<7).map { .init(id: "id-\($0)", deletedAt: $0 == 0 ? Self.now : nil) } }))
    #expect(members.explanation.contains("id-0 (deleted on 2026-01-31), id-1"))
    #expect(members.explanation.contains("and 2 more"))
    var bulk = Self.entry(200, path: "/api/v2/scim/Bulk")
    bulk.operations = LogEntry.Operations(count: 5, failed: 2)
    #expect(try #require(Diagnosis(of: bulk, Self.context())).explanation.contains("2 of the 5"))
    bulk.operations?.failed = 0
    #expect(Diagnosis(of: bulk, Self.context()) == nil)
  }
}
