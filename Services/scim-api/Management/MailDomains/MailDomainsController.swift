import DNS
import EdgeHTTP
import EdgeReads
import Foundation
import HTTPTypes
import Hummingbird
import Models
import SCIM

/// `/api/v2/admin/workspaces/{workspace}/mail-domains`: the mail domains of a workspace, and their verification.
struct MailDomainsController: ManagementController {
  private let query: WorkspacesQuery
  private let commands: CommandClient
  private let bodies: BodyReader
  private let txtRecords: TXTRecords

  private static let domain = "domain"

  init(_ dependencies: Management.Dependencies) {
    query = WorkspacesQuery(database: dependencies.database)
    commands = dependencies.commands
    bodies = dependencies.bodies
    txtRecords = dependencies.txtRecords
  }

  func addRoutes(to routes: ManagementRoutes) {
    let group = routes.workspace
    group.read("mail-domains", use: list)
    group.action("mail-domains", use: add)
    group.read("mail-domains/{\(Self.domain)}", use: show)
    group.on("mail-domains/{\(Self.domain)}", method: .delete, use: remove)
    group.action("mail-domains/{\(Self.domain)}/verify", use: verify)
  }

  @Sendable private func list(_ parameters: QueryParameters, _ context: CallerContext) async throws -> Response {
    try parameters.check([])
    let settings = try await settings(of: context.caller)
    return .management(.ok, ["mailDomains": .array(settings.mailDomains.map { .object($0.json) })])
  }

  @Sendable private func show(_ parameters: QueryParameters, _ context: CallerContext) async throws -> Response {
    try parameters.check([])
    return .management(.ok, .object(try await domain(named: try name(in: context), of: context.caller).json))
  }

  /// Adds a domain: to be verified by DNS or, with a deployment-wide token, as the operator's assertion.
  @Sendable private func add(_ request: Request, _ context: CallerContext) async throws -> Response {
    let caller = context.caller
    var action = try await ManagementAction(request, context, with: bodies, members: ["domain", "verification"])
    let text = try action.body.requiredString("domain")
    guard let name = HostName(text)?.text else { throw ProblemDetails.invalidMember("domain", MailDomainProof.malformed(text)) }
    let change: MailDomainChange
    switch try action.body.string("verification") ?? "dns" {
    case "dns": change = MailDomainChange(domain: name, action: .add, token: MailDomainProof.token())
    case "operator":
      guard caller.isDeploymentWide else {
        throw ProblemDetails(
          403, nil, "Only the operator can assert a domain, with a deployment-wide token. Leave verification out to verify it by DNS.")
      }
      change = MailDomainChange(domain: name, action: .assert)
    case let other:
      throw ProblemDetails.invalidMember("verification", "verification is '\(other.prefix(50))'; dns or operator was expected.")
    }
    try await action.execute(.changeMailDomain(change), on: caller.workspace.resource, through: commands)
    let path = "\(ResourcePath.admin)/workspaces/\(caller.workspace)/mail-domains/\(name)"
    return .management(.created, .object(try await domain(named: name, of: caller).json), headers: [.location: path])
  }

  @Sendable private func remove(_ request: Request, _ context: CallerContext) async throws -> Response {
    let change = MailDomainChange(domain: try name(in: context), action: .remove)
    var action = try await ManagementAction(request, context, with: bodies)
    try await action.execute(.changeMailDomain(change), on: context.caller.workspace.resource, through: commands)
    return Response(status: .noContent)
  }

  /// Looks the TXT record up, and marks the domain as verified if it has the token.
  @Sendable private func verify(_ request: Request, _ context: CallerContext) async throws -> Response {
    let caller = context.caller
    var action = try await ManagementAction(request, context, with: bodies)
    let domain = try await domain(named: try name(in: context), of: caller)
    guard domain.verifiedAt == nil, case .dns(let token) = domain.verification else {
      return .management(.ok, .object(domain.json))
    }
    let found = try await records(of: domain)
    guard MailDomainProof.isProven(domain, by: found) else { throw ProblemDetails.notVerified(domain, found: found) }
    let change = MailDomainChange(domain: domain.domain, action: .verify, token: token)
    try await action.execute(.changeMailDomain(change), on: caller.workspace.resource, through: commands)
    return .management(.ok, .object(try await self.domain(named: domain.domain, of: caller).json))
  }

  private func records(of domain: MailDomain) async throws -> [String] {
    do {
      return try await txtRecords(domain.recordName)
    } catch let error as DNSError {
      throw ProblemDetails(
        503, nil, "The TXT record of \(domain.recordName) could not be looked up: \(error). Nothing was changed. Try again.",
        headers: [.retryAfter: "5"])
    }
  }

  private func settings(of caller: Caller) async throws -> WorkspaceSettings {
    try await query.stored(caller.workspace).settings
  }

  private func domain(named name: String, of caller: Caller) async throws -> MailDomain {
    guard let domain = try await settings(of: caller).mailDomains.first(where: { $0.domain == name }) else {
      throw ProblemDetails(404, .unknownResource, "The workspace has no mail domain '\(name.prefix(260))'. Add it first.")
    }
    return domain
  }

  private func name(in context: CallerContext) throws -> String {
    let text = context.parameters.get(Self.domain) ?? ""
    guard let name = HostName(text)?.text else { throw ProblemDetails(404, .unknownResource, MailDomainProof.malformed(text)) }
    return name
  }
}

extension MailDomain {
  /// The JSON of a mail domain, with the TXT record that verifies it.
  fileprivate var json: JSONObject {
    var object: JSONObject = ["domain": .string(domain), "status": .string(verifiedAt == nil ? "pending" : "verified")]
    switch verification {
    case .dns: object["verification"] = "dns"
    case .operator: object["verification"] = "operator"
    }
    object["verifiedAt"] = verifiedAt.map { .string(Timestamp.text($0)) }
    object["record"] = recordText.map { .object(["type": "TXT", "name": .string(recordName), "value": .string($0)]) }
    return object
  }
}

extension ProblemDetails {
  fileprivate static func notVerified(_ domain: MailDomain, found: [String]) -> ProblemDetails {
    ProblemDetails(
      409, Kind(name: "domain-not-verified", title: "The domain is not verified"), MailDomainProof.explanation(domain, found: found))
  }
}
