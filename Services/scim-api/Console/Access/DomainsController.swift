import DNS
import EdgeHTTP
import EdgeReads
import Foundation
import Hummingbird
import Models

/// The forms at `/console/settings/access` that add, verify and remove mail domains.
struct DomainsController: ConsoleController {
  private let pages: AccessPages
  private let commands: CommandClient
  private let txtRecords: TXTRecords

  init(pages: AccessPages, commands: CommandClient, txtRecords: @escaping TXTRecords) {
    self.pages = pages
    self.commands = commands
    self.txtRecords = txtRecords
  }

  func addRoutes(to group: RouterGroup<ConsoleContext>) {
    group.form("settings/access/domains", use: add)
    group.form("settings/access/domains/verify", use: verify)
    group.form("settings/access/domains/remove", use: remove)
  }

  private static var path: String { "\(ConsoleSection.access.path)#domains" }

  private func add(_ form: Form, _ context: ConsoleContext) async throws -> FormResult {
    let text = form["newDomain"] ?? ""
    var input = AccessInput()
    input.addition.newDomain = text
    guard let name = HostName(text)?.text else {
      input.addition.newDomainError = text.isEmpty ? "Enter a domain, such as example.com." : MailDomainProof.malformed(text)
      return .page(try await pages.page(context, showing: input, status: 422))
    }
    let change = MailDomainChange(domain: name, action: .add, token: MailDomainProof.token())
    if let refusal = try await refusal(of: change, context) {
      input.addition.newDomainError = refusal.error.detail
      return .page(try await pages.page(context, showing: input, status: 422))
    }
    return .redirect(to: Self.path, message: "\(name) is added. Publish its TXT record, then verify the domain.")
  }

  /// Looks the TXT record up, and marks the domain as verified if it has the token.
  private func verify(_ form: Form, _ context: ConsoleContext) async throws -> FormResult {
    let domain = try await domain(form, context)
    guard domain.verifiedAt == nil, case .dns(let token) = domain.verification else {
      return .redirect(to: Self.path, message: "\(domain.domain) is verified.")
    }
    let found: [String]
    do {
      found = try await txtRecords(domain.recordName)
    } catch let error as DNSError {
      let detail = "The TXT record of \(domain.recordName) could not be looked up: \(error). Nothing was changed. Try again."
      return try await failure(detail, of: domain.domain, status: 503, context)
    }
    guard MailDomainProof.isProven(domain, by: found) else {
      return try await failure(MailDomainProof.explanation(domain, found: found), of: domain.domain, status: 409, context)
    }
    let change = MailDomainChange(domain: domain.domain, action: .verify, token: token)
    if let refusal = try await refusal(of: change, context) {
      return try await failure(refusal.error.detail, of: domain.domain, status: refusal.error.status, context)
    }
    return .redirect(to: Self.path, message: "\(domain.domain) is verified.")
  }

  private func remove(_ form: Form, _ context: ConsoleContext) async throws -> FormResult {
    let domain = try await domain(form, context)
    if let refusal = try await refusal(of: MailDomainChange(domain: domain.domain, action: .remove), context) {
      return try await failure(refusal.error.detail, of: domain.domain, status: refusal.error.status, context)
    }
    return .redirect(to: Self.path, message: "\(domain.domain) is removed.")
  }

  /// The page with the reason why a domain was not changed.
  private func failure(_ detail: String, of domain: String, status: Int, _ context: ConsoleContext) async throws -> FormResult {
    var input = AccessInput()
    input.domainProblems[domain] = detail
    return .page(try await pages.page(context, showing: input, status: status))
  }

  /// Sends a command. Returns the error if it is rejected.
  ///
  /// - Throws: the error of identity-store if the status is at least 500.
  private func refusal(of change: MailDomainChange, _ context: ConsoleContext) async throws -> APIError? {
    let outcome = try await commands.execute(
      .changeMailDomain(change), on: context.workspace.resource, for: context.session.caller, info: context.info)
    guard case .refused(let status, let error) = outcome else { return nil }
    let refusal = APIError(status: status, stored: error)
    guard status < 500 else { throw refusal }
    return refusal
  }

  /// The domain in the form.
  private func domain(_ form: Form, _ context: ConsoleContext) async throws -> MailDomain {
    let text = form["domain"] ?? ""
    let domains = try await pages.settings(context).settings.mailDomains
    guard let domain = domains.first(where: { $0.domain == text }) else {
      throw APIError(404, "The workspace has no mail domain '\(text.prefix(260))'. Another admin may have removed it.")
    }
    return domain
  }
}
