import Foundation
import ServiceKit

/// How a command reaches the deployment.
enum Connection: Sendable, Equatable {
  /// Through the management API of a server.
  case server(ManagementServer)
  /// With its database and Kafka.
  case direct

  /// What decides about the connection.
  struct Sources: Sendable {
    /// The options of the command line.
    var options = GlobalOptions.Values()
    /// ROLLCALL_SERVER.
    var server: String?
    /// ROLLCALL_TOKEN.
    var token: String?
    /// ROLLCALL_SERVER_PROFILE.
    var serverProfile: String?
    /// ROLLCALL_SERVER_AUTHORITIES.
    var authorities: String?
    /// Whether ROLLCALL_DATABASE_URL is set.
    var hasDatabase = false
  }

  /// Decides how to reach the deployment: the options of the command line first, then the environment, then the current profile.
  ///
  /// - Parameter profiles: Reads the stored profiles.
  /// - Throws: ``ScimctlError`` if nothing is set, there is no such profile, or there is no token for the server.
  init(_ sources: Sources, profiles: () throws(ScimctlError) -> ServerProfiles) throws(ScimctlError) {
    let options = sources.options
    if options.direct {
      self = .direct
    } else if let url = options.server {
      self = .server(try Self.server(url, sources, profiles))
    } else if let name = options.serverProfile {
      self = .server(try Self.server(profiles().named(name), sources))
    } else if let url = sources.server {
      self = .server(try Self.server(url, sources, profiles))
    } else if let name = sources.serverProfile {
      self = .server(try Self.server(profiles().named(name), sources))
    } else if sources.hasDatabase {
      self = .direct
    } else {
      let stored = try profiles()
      guard let name = stored.current else {
        throw ScimctlError(
          .configuration,
          """
          no server is set. Use --server URL with ROLLCALL_TOKEN, 'scimctl login --server URL', or ROLLCALL_DATABASE_URL for the database
          """)
      }
      self = .server(try Self.server(stored.named(name), sources))
    }
  }

  /// The server at `url`, with the token of the command line, of the environment, or else of a profile for the same server.
  private static func server(
    _ url: String, _ sources: Sources, _ profiles: () throws(ScimctlError) -> ServerProfiles
  ) throws(ScimctlError) -> ManagementServer {
    if let token = sources.options.token ?? sources.token {
      return try ManagementServer(url: url, token: token, authorities: sources.authorities)
    }
    let site = try ManagementServer.site(of: url)
    let stored = try profiles()
    let candidates = stored.profiles.filter { $0.value.server == site }
    let name = stored.current.flatMap { candidates[$0] == nil ? nil : $0 } ?? candidates.keys.min()
    guard let name else {
      throw ScimctlError(.configuration, "there is no token for \(site). Set ROLLCALL_TOKEN, or run 'scimctl login --server \(site)'")
    }
    return try server(stored.named(name), sources)
  }

  /// The server of a profile. A token on the command line replaces that of the profile; one in the environment belongs to another server.
  private static func server(_ profile: ServerProfiles.Profile, _ sources: Sources) throws(ScimctlError) -> ManagementServer {
    try ManagementServer(
      url: profile.server, token: sources.options.token ?? profile.token, authorities: profile.authorities ?? sources.authorities)
  }

  /// Decides from the command line, the environment and the stored profiles of this process.
  ///
  /// - Throws: ``ScimctlError``; `SettingsError`.
  static func selected(_ settings: ServiceSettings) throws -> Connection {
    let sources = Sources(
      options: GlobalOptions.current, server: settings.optionalString(.server), token: settings.optionalString(.serverToken),
      serverProfile: settings.optionalString(.serverProfile), authorities: settings.optionalString(.serverAuthorities),
      hasDatabase: settings.optionalString(.optionalDatabaseURL) != nil)
    let connection = try Connection(sources) { () throws(ScimctlError) in try ServerProfiles.read(from: ServerProfiles.path()) }
    if case .server(let server) = connection {
      if GlobalOptions.current.operatorName != nil {
        throw ScimctlError(
          .usage, "--as is for --direct: through \(server.site), the audit trail names the token. Use a token for each person")
      }
      if server.isExposed { StandardError.print("scimctl: \(server.site) has no TLS: the network can read the token") }
    }
    return connection
  }
}
