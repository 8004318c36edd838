import ArgumentParser
import Models

/// `scimctl workspace domain …`
struct DomainCommands: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "domain", abstract: "Host names of a workspace's own, under which SCIM is reached with its tokens alone.",
    subcommands: [AddDomain.self, ListDomains.self, RemoveDomain.self])
}

/// `scimctl workspace domain add SLUG HOST`
struct AddDomain: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "add", abstract: "Give a workspace a domain that no other has.",
    discussion: "The domain's DNS record and its TLS certificate, at the proxy in front of scim-api, are yours to make.")

  @Argument(help: "The workspace's slug.")
  var slug: String

  @Argument(help: "The host name, such as scim.example.com.")
  var host: HostName

  func run() async throws {
    try await WorkspaceChange.carryOut(on: slug) { settings in settings.adding(host) }
    print("Workspace \(slug) is reached at https://\(host.text)/api/v2/scim/")
  }
}

/// `scimctl workspace domain list SLUG`
struct ListDomains: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "list", abstract: "List a workspace's domains, one a line.")

  @Argument(help: "The workspace's slug.")
  var slug: String

  func run() async throws {
    let settings = try await Settings.forReading()
    let workspace = try await withDatabase(settings) { try await KnownWorkspace.named(slug, on: $0) }
    for domain in workspace.settings.customDomains { print(domain) }
  }
}

/// `scimctl workspace domain remove SLUG HOST`
struct RemoveDomain: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "remove", abstract: "Take a domain from a workspace; others may have it then.")

  @Argument(help: "The workspace's slug.")
  var slug: String

  @Argument(help: "The host name.")
  var host: HostName

  func run() async throws {
    try await WorkspaceChange.carryOut(on: slug) { settings throws(Failure) in
      guard let rest = settings.removing(host) else {
        throw Failure(
          .notFound, "workspace \(slug) has no domain \(host.text). 'scimctl workspace domain list \(slug)' shows those it has")
      }
      return rest
    }
    print("Workspace \(slug) is no longer reached at \(host.text)")
  }
}

extension WorkspaceSettings {
  /// The same settings with a domain, which they may have already.
  func adding(_ host: HostName) -> WorkspaceSettings {
    var changed = self
    if !customDomains.contains(host.text) { changed.customDomains.append(host.text) }
    return changed
  }

  /// nil where they have no such domain.
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
