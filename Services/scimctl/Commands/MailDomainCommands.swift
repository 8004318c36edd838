import ArgumentParser
import Foundation
import Models
import SCIM

/// `scimctl workspace mail-domain`, the commands for mail domains.
struct MailDomainCommands: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "mail-domain", abstract: "The mail domains of a workspace, and their verification.",
    discussion: "These commands need the management API: --server, ROLLCALL_SERVER or a profile.",
    subcommands: [ListMailDomains.self, ShowMailDomain.self, AddMailDomain.self, VerifyMailDomain.self, RemoveMailDomain.self])
}

/// A mail domain, in the form of the management API.
struct MailDomainRow: Sendable, Equatable, Codable {
  /// The TXT record that verifies it.
  struct Record: Sendable, Equatable, Codable {
    var type: String
    var name: String
    var value: String
  }

  var domain: String
  /// `pending` or `verified`.
  var status: String
  /// `dns` or `operator`.
  var verification: String
  var verifiedAt: Date?
  var record: Record?

  /// One row per domain.
  static func table(of domains: [MailDomainRow]) -> Table {
    var table = Table("DOMAIN", "STATUS", "VERIFICATION", "VERIFIED")
    for domain in domains {
      table.append([domain.domain, domain.status, domain.verification, domain.verifiedAt.map(Timestamp.text)])
    }
    return table
  }

  /// One property per line, with the record to publish.
  var description: Table {
    var table = Table()
    table.append(["domain", domain])
    table.append(["status", status])
    table.append(["verification", verification])
    if let verifiedAt { table.append(["verified-at", Timestamp.text(verifiedAt)]) }
    if let record {
      table.append(["record-type", record.type])
      table.append(["record-name", record.name])
      table.append(["record-value", record.value])
    }
    return table
  }
}

/// `scimctl workspace mail-domain list SLUG`, which lists mail domains.
struct ListMailDomains: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List the mail domains of a workspace: domain, status, verification, when verified.")

  @Argument(help: "The workspace's slug.")
  var slug: String

  @OptionGroup var output: OutputOption

  private struct Body: Decodable { var mailDomains: [MailDomainRow] }

  func run() async throws {
    try await withServer(for: "workspace mail-domain list") { server in
      let body: Body = try await server.client.get(.workspace(slug, "mail-domains")).decoded(as: "list of mail domains")
      try output.print(body.mailDomains, as: MailDomainRow.table)
    }
  }
}

/// `scimctl workspace mail-domain show SLUG DOMAIN`, which shows a mail domain.
struct ShowMailDomain: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Show a mail domain, with the TXT record that verifies it.")

  @Argument(help: "The workspace's slug.")
  var slug: String

  @Argument(help: "The domain, such as example.com.")
  var domain: HostName

  @OptionGroup var output: OutputOption

  func run() async throws {
    try await withServer(for: "workspace mail-domain show") { server in
      let row: MailDomainRow = try await server.client.get(.workspace(slug, "mail-domains", domain.text)).decoded(as: "mail domain")
      try output.print(row) { row.description }
    }
  }
}

/// `scimctl workspace mail-domain add SLUG DOMAIN`, which adds a mail domain.
struct AddMailDomain: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "add", abstract: "Add a mail domain, and print the TXT record that verifies it.",
    discussion: """
      Publish the record, then run 'scimctl workspace mail-domain verify'. With --asserted, the domain is verified at once by your word, \
      which needs a deployment-wide token.
      """)

  @Argument(help: "The workspace's slug.")
  var slug: String

  @Argument(help: "The domain, such as example.com.")
  var domain: HostName

  @Flag(help: "Assert that the domain is the customer's, without a TXT record.")
  var asserted = false

  @OptionGroup var output: OutputOption

  func run() async throws {
    try await withServer(for: "workspace mail-domain add") { server in
      let body: JSONObject = ["domain": .string(domain.text), "verification": .string(asserted ? "operator" : "dns")]
      let row: MailDomainRow = try await server.client.post(.workspace(slug, "mail-domains"), body).decoded(as: "mail domain")
      try output.print(row) { row.description }
      StandardError.print("Workspace \(slug): mail domain \(row.domain) added")
    }
  }
}

/// `scimctl workspace mail-domain verify SLUG DOMAIN`, which verifies a mail domain.
struct VerifyMailDomain: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify", abstract: "Look up the TXT record of a mail domain, and mark the domain as verified.",
    discussion: "The exit status is 75 if the record does not exist yet, or has another text.")

  @Argument(help: "The workspace's slug.")
  var slug: String

  @Argument(help: "The domain, such as example.com.")
  var domain: HostName

  func run() async throws {
    try await withServer(for: "workspace mail-domain verify") { server in
      var request = ManagementRequest(.post, .workspace(slug, "mail-domains", domain.text, "verify"), json: [:])
      // A server whose DNS does not answer says so, and is not asked again at once.
      request.isRepeatable = false
      try await server.client.send(request)
      print("Workspace \(slug): mail domain \(domain.text) is verified")
    }
  }
}

/// `scimctl workspace mail-domain remove SLUG DOMAIN`, which removes a mail domain.
struct RemoveMailDomain: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "remove", abstract: "Remove a mail domain from a workspace.")

  @Argument(help: "The workspace's slug.")
  var slug: String

  @Argument(help: "The domain, such as example.com.")
  var domain: HostName

  func run() async throws {
    try await withServer(for: "workspace mail-domain remove") { server in
      try await server.client.delete(.workspace(slug, "mail-domains", domain.text))
      print("Workspace \(slug): mail domain \(domain.text) removed")
    }
  }
}
