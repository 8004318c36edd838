import ArgumentParser
import Models

/// `scimctl workspace domain`, the commands for custom domains.
struct DomainCommands: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "domain", abstract: "Custom domains of a workspace, which accept only its tokens.",
    subcommands: [AddDomain.self, ListDomains.self, RemoveDomain.self])
}

/// `scimctl workspace domain add SLUG HOST`, which adds a domain.
struct AddDomain: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "add", abstract: "Add a custom domain to a workspace. A domain belongs to one workspace.",
    discussion: "Create the DNS record of the domain, and its TLS certificate at the proxy in front of scim-api, yourself.")

  @Argument(help: "The workspace's slug.")
  var slug: String

  @Argument(help: "The host name, such as scim.example.com.")
  var host: HostName

  func run() async throws {
    try await WorkspaceUpdate.apply(to: slug) { settings in settings.adding(host) }
    print("Workspace \(slug) is available at https://\(host.text)/api/v2/scim/")
  }
}

/// `scimctl workspace domain list SLUG`, which lists domains.
struct ListDomains: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "list", abstract: "List the custom domains of a workspace, one per line.")

  @Argument(help: "The workspace's slug.")
  var slug: String

  @OptionGroup var output: OutputOption

  /// A custom domain in JSON.
  private struct Domain: Encodable {
    var domain: String
  }

  func run() async throws {
    try await withAdministration { administration in
      let workspace = try await administration.workspace(named: slug)
      try output.print(workspace.settings.customDomains.map { Domain(domain: $0) }) { domains in
        var table = Table("DOMAIN")
        for domain in domains { table.append([domain.domain]) }
        return table
      }
    }
  }
}

/// `scimctl workspace domain remove SLUG HOST`, which removes a domain.
struct RemoveDomain: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "remove", abstract: "Remove a custom domain from a workspace. Another workspace may use it afterwards.")

  @Argument(help: "The workspace's slug.")
  var slug: String

  @Argument(help: "The host name.")
  var host: HostName

  func run() async throws {
    try await WorkspaceUpdate.apply(to: slug) { settings throws(ScimctlError) in
      guard let rest = settings.removing(host) else {
        throw ScimctlError(
          .notFound, "workspace \(slug) has no domain \(host.text). 'scimctl workspace domain list \(slug)' lists its domains")
      }
      return rest
    }
    print("Workspace \(slug) is no longer available at \(host.text)")
  }
}

extension WorkspaceSettings {
  /// Returns the settings with a domain added, unless they contain it.
  func adding(_ host: HostName) -> WorkspaceSettings {
    var changed = self
    if !customDomains.contains(host.text) { changed.customDomains.append(host.text) }
    return changed
  }

  /// Returns the settings without a domain; nil if they do not contain it.
  func removing(_ host: HostName) -> WorkspaceSettings? {
    guard let index = customDomains.firstIndex(of: host.text) else { return nil }
    var changed = self
    changed.customDomains.remove(at: index)
    return changed
  }
}

extension HostName: ExpressibleByArgument {
  public init?(argument: String) { self.init(argument) }
}
