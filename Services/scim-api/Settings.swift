import Credentials
import HTTPTypes
import Logging
import NIOCore
import ServiceKit

/// The settings that this service has beside those of every service.
enum EdgeSettings {
  /// In the order in which `--help` lists them.
  static let all: [Setting] = [
    .httpHost, .httpPort, .tlsCertificate, .tlsKey, .publicURL, .trustedProxies, .sharePort, .maximumConnections, .idleTimeout,
    .requestTimeout, .writeTimeout, .drain, .bodyLimit, .bodyMemory, .smallBodyMemory, .bodyMemoryPerWorkspace,
    .bodyMemoryPerAddress, .minimumBodyRate, .requestDeadline, .bulkDeadline, .storeBound, .maximumInFlight,
    .maximumInFlightPerWorkspace, .maximumInFlightPerToken, .maximumBulks, .maximumBulksPerWorkspace, .maximumBulksPerToken, .tokenRate,
    .tokenBurst, .workspaceRate, .workspaceBurst, .strangerRate, .strangerBurst, .publicRate, .publicBurst, .refusalRate, .longestHold,
    .writesBesideOthers,
    .listsBesideOthers, .writeRateBesideOthers, .listRateBesideOthers, .maximumSearchesPerWorkspace, .readPatience, .cursorKey,
    .cursorLifetime, .oauthKey, .accessTokenLifetime, .tokenUseInterval, .logEntries, .logMemory, .console, .trustedHeader,
    .trustedWorkspaceHeader,
  ]
}

extension Setting {
  static let httpHost = Setting(key: "http.host", default: "0.0.0.0", help: "The address that SCIM and the sign-in intake listen on.")
  static let httpPort = Setting(
    key: "http.port", default: "8080", help: "The port that SCIM and the sign-in intake listen on; 0 for any that is free.", kind: .port)
  static let tlsCertificate = Setting(
    key: "http.tls-certificate",
    help: "A PEM file with the certificate and its chain: with it and its key TLS 1.2 or later is spoken. Read again when it changes.")
  static let tlsKey = Setting(key: "http.tls-key", help: "A PEM file with the certificate's private key.")
  static let publicURL = Setting(
    key: "http.public-url",
    help:
      "Scheme and host of the deployment's own, for the URLs in answers but those to workspaces' own domains. Default: the host that the "
      + "request names.",
    kind: .url)
  static let trustedProxies = Setting(
    key: "http.trusted-proxies",
    help:
      "The proxies in front whose X-Forwarded-Host, -Proto and -For are believed: addresses and ranges such as 10.0.0.0/8, separated by "
      + "commas. They have to set or remove each of the three. Default: none.")
  static let console = Setting(
    key: "console.enabled", default: "true",
    help: "Whether the admin console is served, under /console. A copy of the edge that is for identity providers may do without.",
    kind: .flag)
  static let trustedHeader = Setting(
    key: "console.trusted-header",
    help:
      "The header in which a proxy with single sign-on names who is at the console, such as X-Forwarded-Email. Believed from "
      + "http.trusted-proxies alone, which have to set or remove it on every request, and let admins through and nobody else. Default: none, "
      + "and people sign in with a token or a link.")
  static let trustedWorkspaceHeader = Setting(
    key: "console.trusted-workspace-header",
    help:
      "The header in which that proxy names the slug of the person's workspace. Default: none, and whoever it names is let in at workspaces' "
      + "own domains.")
  static let sharePort = Setting(
    key: "http.share-port", default: "false",
    help: "Whether two copies on one machine may listen on the same port: the one that starts last gets all new connections.", kind: .flag)
  static let maximumConnections = Setting(
    key: "http.connections", default: "10000", help: "Most connections that are open at once; more of them wait to be accepted.",
    kind: .integer(1...1_000_000))
  static let idleTimeout = Setting(
    key: "http.idle-timeout", default: "75s", help: "How long a connection is kept without a request.", kind: .duration)
  static let requestTimeout = Setting(
    key: "http.request-timeout", default: "60s",
    help: "How long a client may take to send the body of a request; then it is answered with 408.", kind: .duration)
  static let writeTimeout = Setting(
    key: "http.write-timeout", default: "60s", help: "How long a client may leave an answer unread.", kind: .duration)
  static let drain = Setting(
    key: "http.drain", default: "1s",
    help: "How long idle connections are kept after SIGTERM, so that their clients learn of the shutdown with an answer.", kind: .duration)
  static let bodyLimit = Setting(
    key: "http.body-limit", default: "8388608", help: "The largest body of a request, in bytes.", kind: .integer(1024...(12 << 20)))
  static let bodyMemory = Setting(
    key: "http.body-memory", default: "268435456",
    help:
      "How many bytes of request bodies larger than 64 kB are held at once; what comes then is told to retry. At least twice "
      + "http.body-limit is used.",
    kind: .count)
  static let smallBodyMemory = Setting(
    key: "http.small-body-memory", default: "33554432",
    help: "How many bytes of request bodies of up to 64 kB are held at once, beside http.body-memory; larger bodies do not take it.",
    kind: .count)
  static let bodyMemoryPerWorkspace = Setting(
    key: "http.body-memory-per-workspace", default: "67108864",
    help: "How many bytes of request bodies of one workspace are held at once. At least http.body-limit is used.", kind: .count)
  static let bodyMemoryPerAddress = Setting(
    key: "http.body-memory-per-address", default: "1048576",
    help: "How many bytes of request bodies from one client address are held at once whose sender is not known yet: forms.", kind: .count)
  static let minimumBodyRate = Setting(
    key: "http.minimum-body-rate", default: "1024",
    help:
      "Bytes a second that a request body has to arrive with, on average over 10 seconds; a slower one is ended with 408. 0 for no minimum.",
    kind: .integer(0...(100 << 20)))
  static let requestDeadline = Setting(
    key: "request.deadline", default: "20s",
    help: "How long a write waits for identity-store to begin it; then it is refused and will not be carried out.", kind: .duration)
  static let bulkDeadline = Setting(
    key: "request.bulk-deadline", default: "40s",
    help: "How long a bulk request has until identity-store begins its last operation; what is not begun by then is refused.",
    kind: .duration)
  static let storeBound = Setting(
    key: "store.bound", default: "5s",
    help: "How long identity-store may take for a batch: its setting of the same name. A write is waited for as much longer.",
    kind: .duration)
  static let maximumInFlight = Setting(
    key: "request.in-flight", default: "2000", help: "Most writes in flight; what comes then is told to retry.",
    kind: .integer(1...1_000_000))
  static let maximumInFlightPerWorkspace = Setting(
    key: "request.in-flight-per-workspace", default: "200",
    help: "Most writes in flight of one workspace; what comes then is told to retry.", kind: .integer(1...1_000_000))
  static let maximumInFlightPerToken = Setting(
    key: "request.in-flight-per-token", default: "200", help: "Most writes in flight of one token; what comes then is told to retry.",
    kind: .integer(1...1_000_000))
  static let maximumBulks = Setting(
    key: "request.bulks", default: "16", help: "Most bulk requests in flight; what comes then is told to retry.",
    kind: .integer(1...10_000))
  static let maximumBulksPerWorkspace = Setting(
    key: "request.bulks-per-workspace", default: "4",
    help: "Most bulk requests in flight of one workspace; what comes then is told to retry.",
    kind: .integer(1...10_000))
  static let maximumBulksPerToken = Setting(
    key: "request.bulks-per-token", default: "4", help: "Most bulk requests in flight of one token; what comes then is told to retry.",
    kind: .integer(1...10_000))
  static let tokenRate = Setting(
    key: "limit.token-rate", default: "100", help: "Requests a second that one token may send in the long run; 0 for no limit.",
    kind: .integer(0...1_000_000))
  static let tokenBurst = Setting(
    key: "limit.token-burst", default: "500", help: "Requests that one token may send at once after a rest.", kind: .integer(1...10_000_000)
  )
  static let workspaceRate = Setting(
    key: "limit.workspace-rate", default: "200",
    help: "Requests a second that all tokens of a workspace may send together in the long run; 0 for no limit.",
    kind: .integer(0...1_000_000))
  static let workspaceBurst = Setting(
    key: "limit.workspace-burst", default: "1000", help: "Requests that all tokens of a workspace may send at once after a rest.",
    kind: .integer(1...10_000_000))
  static let strangerRate = Setting(
    key: "limit.stranger-rate", default: "10",
    help:
      "Requests a second without a known credential, from one address in the long run, whatever they ask for: unknown paths and malformed "
      + "requests included. 0 for no limit.",
    kind: .integer(0...1_000_000))
  static let strangerBurst = Setting(
    key: "limit.stranger-burst", default: "100", help: "Requests without a known credential, from one address at once after a rest.",
    kind: .integer(1...10_000_000))
  static let publicRate = Setting(
    key: "limit.public-rate", default: "50",
    help:
      "Requests a second for public keys, OAuth metadata and the console's style sheet and script, from one address in the long run; 0 for "
      + "no limit.",
    kind: .integer(0...1_000_000))
  static let publicBurst = Setting(
    key: "limit.public-burst", default: "500", help: "The same requests, from one address at once after a rest.",
    kind: .integer(1...10_000_000))
  static let refusalRate = Setting(
    key: "limit.refusal-rate", default: "20",
    help:
      "Refusals by these limits a second for one workspace, or for strangers at one address; those beyond are answered as much later. 0: at "
      + "once.",
    kind: .integer(0...1_000_000))
  static let longestHold = Setting(
    key: "limit.refusal-hold", default: "5s", help: "How long such a refusal is held at most.", kind: .duration)
  static let writesBesideOthers = Setting(
    key: "limit.writes-beside-others", default: "4",
    help: "Writes of one workspace that are begun at once while other workspaces send requests, too; those beyond wait for their turn.",
    kind: .integer(1...1_000_000))
  static let listsBesideOthers = Setting(
    key: "limit.lists-beside-others", default: "1", help: "Lists and queries, likewise; a workspace that is alone has four at once.",
    kind: .integer(1...1000))
  static let writeRateBesideOthers = Setting(
    key: "limit.write-rate-beside-others", default: "30",
    help:
      "Writes a second that one workspace begins while other workspaces send requests, too; the next wait until they are due. 0: as they come.",
    kind: .integer(0...1_000_000))
  static let listRateBesideOthers = Setting(
    key: "limit.list-rate-beside-others", default: "10", help: "Lists and queries, likewise; look-ups by a name do not count.",
    kind: .integer(0...1_000_000))
  static let maximumSearchesPerWorkspace = Setting(
    key: "read.searches-per-workspace", default: "4",
    help:
      "How many queries without an index, and readings of large groups, one workspace has under way at once; there are twice as many in all.",
    kind: .integer(1...1000))
  static let cursorKey = Setting(
    key: "cursor.key",
    help:
      "Secret key of the cursors in lists; the same for all copies. Default: one of this process's own, so that its cursors end with it.",
    isKey: true)
  static let cursorLifetime = Setting(
    key: "cursor.lifetime", default: "1h", help: "How long a cursor in a list is good.", kind: .duration)
  static let logEntries = Setting(
    key: "log.entries", default: "10000",
    help: "Most requests that wait to be sent to the provisioning log; what comes then is left out of it and counted.",
    kind: .integer(1...1_000_000))
  static let logMemory = Setting(
    key: "log.memory", default: "33554432", help: "How many bytes of bodies wait for the provisioning log; likewise.", kind: .count)
  static let oauthKey = Setting(
    key: "oauth.key",
    help:
      "Secret that the keys of access tokens are sealed with, of at least 16 characters: the same here and for identity-store. Default: "
      + "none, and no OAuth.",
    isKey: true)
  static let accessTokenLifetime = Setting(
    key: "oauth.token-lifetime", default: "30m", help: "How long an access token of an OAuth client is good: 10 to 60 minutes.",
    kind: .duration)
  static let tokenUseInterval = Setting(
    key: "token.use-interval", default: "10s", help: "How often identity-store is told from where tokens were used.", kind: .duration)
  static let readPatience = Setting(
    key: "read.patience", default: "15s", help: "How long a read is tried again while PostgreSQL is away.", kind: .duration)
}

extension ServiceSettings {
  /// - Throws: ``SettingsError`` where a part of it is none.
  func addressRanges(_ setting: Setting) throws(SettingsError) -> [AddressRange] {
    let texts = (optionalString(setting) ?? "").split(whereSeparator: { $0 == "," || $0.isWhitespace })
    return try texts.map { text throws(SettingsError) in
      guard let range = AddressRange(text) else {
        throw SettingsError([
          "\(setting.environmentName) (\(setting.key)): '\(text.prefix(100))' is no address and no range such as 10.0.0.0/8"
        ])
      }
      return range
    }
  }

  /// nil where no proxy signs people in to the console.
  func proxyHeaders() throws(SettingsError) -> ProxyHeaders? {
    func name(_ setting: Setting) throws(SettingsError) -> HTTPField.Name? {
      guard let text = optionalString(setting) else { return nil }
      guard let name = HTTPField.Name(text) else {
        throw SettingsError(["\(setting.environmentName) (\(setting.key)): '\(text.prefix(100))' is no name of a header"])
      }
      return name
    }
    let workspace = try name(.trustedWorkspaceHeader)
    guard let person = try name(.trustedHeader) else { return nil }
    guard try !addressRanges(.trustedProxies).isEmpty else {
      throw SettingsError([
        "\(Setting.trustedHeader.environmentName) is set, but \(Setting.trustedProxies.environmentName) is not: no proxy would be believed"
      ])
    }
    return ProxyHeaders(person: person, workspace: workspace)
  }

  /// nil where the deployment has no OAuth.
  func keySeal() throws(SettingsError) -> KeySeal? {
    guard let secret = optionalString(.oauthKey) else { return nil }
    guard let seal = KeySeal(secret: secret) else {
      throw SettingsError(["\(Setting.oauthKey.environmentName) has fewer than \(KeySeal.minimumSecret) characters"])
    }
    return seal
  }

  /// In seconds.
  func accessTokenLifetime() throws(SettingsError) -> Int64 {
    let lifetime = Int64(try duration(.accessTokenLifetime).inSeconds)
    guard (600...3600).contains(lifetime) else {
      throw SettingsError(["\(Setting.accessTokenLifetime.environmentName) must be from 10m to 60m, but is \(lifetime)s"])
    }
    return lifetime
  }
}

extension Rate {
  /// What a workspace begins a second beside others: a third of it at once after a rest.
  static func besideOthers(_ settings: ServiceSettings, _ setting: Setting) throws(SettingsError) -> Rate {
    let perSecond = try settings.integer(setting)
    return Rate(perSecond: Double(perSecond), burst: max(1, perSecond / 3))
  }
}

extension RateLimits.Rates {
  init(_ settings: ServiceSettings) throws(SettingsError) {
    func rate(_ perSecond: Setting, _ burst: Setting) throws(SettingsError) -> Rate {
      Rate(perSecond: Double(try settings.integer(perSecond)), burst: try settings.integer(burst))
    }
    self.init(
      token: try rate(.tokenRate, .tokenBurst), workspace: try rate(.workspaceRate, .workspaceBurst),
      stranger: try rate(.strangerRate, .strangerBurst), publicRead: try rate(.publicRate, .publicBurst),
      refusal: Rate(perSecond: Double(try settings.integer(.refusalRate)), burst: try settings.integer(.refusalRate)),
      longestHold: try settings.duration(.longestHold).inSeconds)
  }
}

extension ConcurrencyLimit.Limits {
  /// - Parameter all: The setting with the most in all, and so on.
  init(_ settings: ServiceSettings, all: Setting, perWorkspace: Setting, perToken: Setting) throws(SettingsError) {
    self.init(
      all: try settings.integer(all), perWorkspace: try settings.integer(perWorkspace), perToken: try settings.integer(perToken))
  }
}

extension BodyBudget.Limits {
  init(_ settings: ServiceSettings) throws(SettingsError) {
    let body = try settings.integer(.bodyLimit)
    self.init(
      // One body may fill half of the memory, and has to fit.
      largeBodies: max(try settings.integer(.bodyMemory), 2 * body),
      smallBodies: max(try settings.integer(.smallBodyMemory), 2 * BodyBudget.smallBody),
      perWorkspace: max(try settings.integer(.bodyMemoryPerWorkspace), body),
      perAddress: max(try settings.integer(.bodyMemoryPerAddress), BodyBudget.smallBody))
  }
}

extension ListenerConfiguration {
  /// - Throws: `SettingsError`; where there is a certificate, whatever is wrong with it.
  init(_ settings: ServiceSettings, logger: Logger) throws {
    let certificate = try settings.optionalString(.tlsCertificate).map { chain in
      try Certificate(chain: chain, key: settings.optionalString(.tlsKey) ?? chain, logger: logger)
    }
    self.init(
      host: try settings.string(.httpHost), port: try settings.integer(.httpPort), certificate: certificate,
      isSecure: certificate != nil || settings.optionalString(.publicURL)?.lowercased().hasPrefix("https://") == true,
      sharesPort: try settings.bool(.sharePort),
      maximumConnections: try settings.integer(.maximumConnections), idleTimeout: TimeAmount(try settings.duration(.idleTimeout)),
      timeouts: SlowClientHandler.Timeouts(
        read: TimeAmount(try settings.duration(.requestTimeout)), write: TimeAmount(try settings.duration(.writeTimeout)),
        minimumRate: try settings.integer(.minimumBodyRate)),
      drain: try settings.duration(.drain))
  }
}
