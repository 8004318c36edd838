import AdminConsole
import Credentials
import EdgeHTTP
import EdgeReads
import HTTPTypes
import Logging
import NIOCore
import ServiceKit

/// The settings of scim-api, besides those of every service.
enum EdgeSettings {
  /// All settings, in the order of `--help`.
  static let all: [Setting] = [
    .httpHost, .httpPort, .tlsCertificate, .tlsKey, .publicURL, .trustedProxies, .sharePort, .maximumConnections, .idleTimeout,
    .requestTimeout, .writeTimeout, .drain, .bodyLimit, .bodyMemory, .smallBodyMemory, .bodyMemoryPerWorkspace,
    .bodyMemoryPerAddress, .minimumBodyRate, .requestDeadline, .bulkDeadline, .storeBound, .maximumInFlight,
    .maximumInFlightPerWorkspace, .maximumInFlightPerToken, .maximumBulks, .maximumBulksPerWorkspace, .maximumBulksPerToken, .tokenRate,
    .tokenBurst, .deploymentTokenRate, .deploymentTokenBurst, .workspaceRate, .workspaceBurst, .unauthenticatedRate,
    .unauthenticatedBurst, .publicRate, .publicBurst, .rejectionRate, .rejectionHold, .shareInterval,
    .writesBesideOthers, .listsBesideOthers, .writeRateBesideOthers, .listRateBesideOthers, .maximumSearchesPerWorkspace,
    .readRetryTime, .readURL, .readLagLimit, .feedURL, .maximumWaiting, .maximumWaitingPerToken, .maximumSnapshots,
    .maximumSnapshotsPerToken, .cursorKey, .cursorLifetime, .oauthKey, .accessTokenLifetime, .webhookKey, .dnsServers, .dnsTimeout,
    .tokenUseInterval, .logEntries, .logMemory, .console, .trustedHeader, .trustedWorkspaceHeader,
  ]
}

extension Setting {
  static let httpHost = Setting(key: "http.host", default: "0.0.0.0", help: "The address on which the HTTP server listens.")
  static let httpPort = Setting(
    key: "http.port", default: "8080", help: "The port on which the HTTP server listens; 0 for any free port.", kind: .port)
  static let tlsCertificate = Setting(
    key: "http.tls-certificate",
    help: "A PEM file with the certificate and its chain. With it and its key the server speaks TLS 1.2 or later. A changed file "
      + "is loaded without a restart.")
  static let tlsKey = Setting(key: "http.tls-key", help: "A PEM file with the certificate's private key.")
  static let publicURL = Setting(
    key: "http.public-url",
    help: "Scheme and host of the deployment, for URLs in responses, except at workspaces' own domains. Default: the host of the "
      + "request.",
    kind: .url)
  static let trustedProxies = Setting(
    key: "http.trusted-proxies",
    help: "The proxies whose X-Forwarded-Host, -Proto and -For headers are trusted: addresses and ranges such as 10.0.0.0/8, "
      + "separated by commas. They must set or remove each of the three. Default: none.")
  static let console = Setting(
    key: "console.enabled", default: "true",
    help: "Whether to serve the admin console under /console. A replica that serves only identity providers can leave it out.",
    kind: .flag)
  static let trustedHeader = Setting(
    key: "console.trusted-header",
    help: "The header in which a single sign-on proxy names the person at the console, such as X-Forwarded-Email. Trusted only "
      + "from http.trusted-proxies, which must set or remove it on every request and let only admins through. Default: none, "
      + "and people sign in with a token or a link.")
  static let trustedWorkspaceHeader = Setting(
    key: "console.trusted-workspace-header",
    help: "The header in which that proxy names the slug of the person's workspace. Default: none, and people can sign in only at "
      + "workspaces' own domains.")
  static let sharePort = Setting(
    key: "http.share-port", default: "false",
    help: "Whether two replicas on one machine may listen on the same port. The one that started last gets all new connections.",
    kind: .flag)
  static let maximumConnections = Setting(
    key: "http.connections", default: "10000", help: "The maximum number of open connections. Further connections wait to be accepted.",
    kind: .integer(1...1_000_000))
  static let idleTimeout = Setting(
    key: "http.idle-timeout", default: "75s", help: "How long a connection without a request stays open.", kind: .duration)
  static let requestTimeout = Setting(
    key: "http.request-timeout", default: "60s",
    help: "How long a client may take to send a request body before the response is 408.", kind: .duration)
  static let writeTimeout = Setting(
    key: "http.write-timeout", default: "60s", help: "How long a client may take to read a response.", kind: .duration)
  static let drain = Setting(
    key: "http.drain", default: "1s",
    help: "How long idle connections stay open after SIGTERM, so that clients learn of the shutdown from a response.", kind: .duration)
  static let bodyLimit = Setting(
    key: "http.body-limit", default: "8388608", help: "The maximum size of a request body, in bytes.", kind: .integer(1024...(12 << 20)))
  static let bodyMemory = Setting(
    key: "http.body-memory", default: "268435456",
    help: "The maximum memory for request bodies larger than 64 kB, in bytes. Further requests get 503 with Retry-After. The "
      + "minimum is twice http.body-limit.",
    kind: .count)
  static let smallBodyMemory = Setting(
    key: "http.small-body-memory", default: "33554432",
    help: "The memory reserved for request bodies of up to 64 kB, in bytes, in addition to http.body-memory.",
    kind: .count)
  static let bodyMemoryPerWorkspace = Setting(
    key: "http.body-memory-per-workspace", default: "67108864",
    help: "The maximum memory for request bodies of one workspace, in bytes. Further requests get 429 with "
      + "Retry-After. The minimum is http.body-limit.", kind: .count)
  static let bodyMemoryPerAddress = Setting(
    key: "http.body-memory-per-address", default: "1048576",
    help: "The maximum memory for request bodies of unauthenticated requests (forms) from one client address, in bytes.", kind: .count)
  static let minimumBodyRate = Setting(
    key: "http.minimum-body-rate", default: "1024",
    help: "The minimum rate of a request body, in bytes per second, averaged over 10 seconds. Slower requests get 408. 0 for no "
      + "minimum.",
    kind: .integer(0...(100 << 20)))
  static let requestDeadline = Setting(
    key: "request.deadline", default: "20s",
    help: "How long a write waits for identity-store to start it. After that it is rejected and is not applied.", kind: .duration)
  static let bulkDeadline = Setting(
    key: "request.bulk-deadline", default: "40s",
    help: "How long a bulk request waits for identity-store to start its last operation. Operations that have not started by then "
      + "are rejected.",
    kind: .duration)
  static let storeBound = Setting(
    key: "store.batch-time-limit", default: "5s",
    help: "How long identity-store may take for a batch: the same value as there. Writes wait this much longer.",
    kind: .duration)
  static let maximumInFlight = Setting(
    key: "request.in-flight", default: "2000", help: "The maximum number of writes in flight. Further writes get 503 with Retry-After.",
    kind: .integer(1...1_000_000))
  static let maximumInFlightPerWorkspace = Setting(
    key: "request.in-flight-per-workspace", default: "200",
    help: "The maximum number of writes in flight of one workspace. Further writes get 429 with Retry-After.", kind: .integer(1...1_000_000)
  )
  static let maximumInFlightPerToken = Setting(
    key: "request.in-flight-per-token", default: "200",
    help: "The maximum number of writes in flight of one token. Further writes get 429 with Retry-After.",
    kind: .integer(1...1_000_000))
  static let maximumBulks = Setting(
    key: "request.bulks", default: "16", help: "The maximum number of bulk requests in flight. Further ones get 503 with Retry-After.",
    kind: .integer(1...10_000))
  static let maximumBulksPerWorkspace = Setting(
    key: "request.bulks-per-workspace", default: "4",
    help: "The maximum number of bulk requests in flight of one workspace. Further ones get 429 with Retry-After.",
    kind: .integer(1...10_000))
  static let maximumBulksPerToken = Setting(
    key: "request.bulks-per-token", default: "4",
    help: "The maximum number of bulk requests in flight of one token. Further ones get 429 with Retry-After.",
    kind: .integer(1...10_000))
  static let tokenRate = Setting(
    key: "limit.token-rate", default: "100", help: "Requests per second of one token, sustained; 0 for no limit.",
    kind: .integer(0...1_000_000))
  static let tokenBurst = Setting(
    key: "limit.token-burst", default: "500", help: "The size of a burst of one token, in requests.", kind: .integer(1...10_000_000)
  )
  static let deploymentTokenRate = Setting(
    key: "limit.deployment-token-rate", default: "2000",
    help: "Requests per second of one deployment-wide token, sustained; 0 for no limit. The limits of the workspaces that it names apply, "
      + "too.",
    kind: .integer(0...1_000_000))
  static let deploymentTokenBurst = Setting(
    key: "limit.deployment-token-burst", default: "10000", help: "The size of a burst of one deployment-wide token, in requests.",
    kind: .integer(1...10_000_000))
  static let workspaceRate = Setting(
    key: "limit.workspace-rate", default: "200",
    help: "Requests per second of all tokens of a workspace, sustained; 0 for no limit.",
    kind: .integer(0...1_000_000))
  static let workspaceBurst = Setting(
    key: "limit.workspace-burst", default: "1000", help: "The size of a burst of all tokens of a workspace, in requests.",
    kind: .integer(1...10_000_000))
  static let unauthenticatedRate = Setting(
    key: "limit.unauthenticated-rate", default: "10",
    help: "Unauthenticated requests per second from one client address, sustained, including unknown paths and malformed "
      + "requests; 0 for no limit.",
    kind: .integer(0...1_000_000))
  static let unauthenticatedBurst = Setting(
    key: "limit.unauthenticated-burst", default: "100", help: "The size of a burst of unauthenticated requests from one client address.",
    kind: .integer(1...10_000_000))
  static let publicRate = Setting(
    key: "limit.public-rate", default: "50",
    help: "Requests per second for public keys, OAuth metadata and the console's style sheet and script from one client address, "
      + "sustained; 0 for no limit.",
    kind: .integer(0...1_000_000))
  static let publicBurst = Setting(
    key: "limit.public-burst", default: "500", help: "The size of a burst of these requests from one client address.",
    kind: .integer(1...10_000_000))
  static let rejectionRate = Setting(
    key: "limit.rejection-rate", default: "20",
    help: "Rate-limit rejections per second for one workspace, or one unauthenticated client address. Further rejections are "
      + "delayed to this rate. 0 for no delay.",
    kind: .integer(0...1_000_000))
  static let rejectionHold = Setting(
    key: "limit.rejection-hold", default: "5s", help: "The longest delay of a rejection.", kind: .duration)
  static let shareInterval = Setting(
    key: "limit.share-interval", default: "250ms",
    help: "How long accepted requests collect before scim-api reports them to its other replicas, so that the limits of a token and of a "
      + "workspace hold for all replicas together: 50 ms to 1 s. 0 if each replica limits by itself.",
    kind: .duration)
  static let writesBesideOthers = Setting(
    key: "limit.writes-beside-others", default: "4",
    help: "Concurrent writes of one workspace while other workspaces are active. Further writes wait.",
    kind: .integer(1...1_000_000))
  static let listsBesideOthers = Setting(
    key: "limit.lists-beside-others", default: "1",
    help: "Concurrent lists and queries of one workspace while other workspaces are active. Without other workspaces it is four.",
    kind: .integer(1...1000))
  static let writeRateBesideOthers = Setting(
    key: "limit.write-rate-beside-others", default: "30",
    help: "Writes per second that one workspace starts while other workspaces are active. Further writes wait. 0 for no limit.",
    kind: .integer(0...1_000_000))
  static let listRateBesideOthers = Setting(
    key: "limit.list-rate-beside-others", default: "10",
    help: "Lists and queries per second that one workspace starts while other workspaces are active; lookups by name do not "
      + "count. 0 for no limit.",
    kind: .integer(0...1_000_000))
  static let maximumSearchesPerWorkspace = Setting(
    key: "read.searches-per-workspace", default: "4",
    help: "Concurrent queries without an index, and reads of large groups, of one workspace. The total limit is twice as high.",
    kind: .integer(1...1000))
  static let readURL = Setting(
    key: "database.read-url",
    help: "A streaming replica (hot standby) of the database, with the role scim_api, for the pages of the console. It is skipped while it "
      + "lags behind or is unreachable. Default: none, and all reads use the primary.",
    isSecret: true)
  static let readLagLimit = Setting(
    key: "database.read-lag-limit", default: "5s",
    help: "How far the replica may lag behind. Beyond it, the pages of the console are read from the primary.", kind: .duration)
  static let feedURL = Setting(
    key: "database.feed-url",
    help: "The PostgreSQL database with the role scim_api_feed, which may read the events of all workspaces, for deployment-wide tokens. "
      + "Default: none, and these tokens read the events of one workspace at a time.",
    isSecret: true)
  static let maximumWaiting = Setting(
    key: "events.waiting", default: "1000",
    help: "The maximum number of requests that wait for events. Further ones get 503 with Retry-After.", kind: .integer(1...100_000))
  static let maximumWaitingPerToken = Setting(
    key: "events.waiting-per-token", default: "20",
    help: "The maximum number of requests of one token that wait for events. Further ones get 429 with Retry-After.",
    kind: .integer(1...100_000))
  static let maximumSnapshots = Setting(
    key: "events.snapshots", default: "4",
    help: "The maximum number of snapshots of the directory that are sent at the same time. Each uses a connection to PostgreSQL. Further "
      + "requests get 503 with Retry-After.",
    kind: .integer(1...1000))
  static let maximumSnapshotsPerToken = Setting(
    key: "events.snapshots-per-token", default: "2",
    help: "The maximum number of snapshots of one token that are sent at the same time. Further requests get 429 with Retry-After.",
    kind: .integer(1...1000))
  static let cursorKey = Setting(
    key: "cursor.key",
    help: "Secret key that signs the cursors of lists, and from which the secrets of repeated requests are derived (Idempotency-Key). The "
      + "same for all replicas. Default: a random key of this process, and its cursors end with it.",
    isKey: true)
  static let cursorLifetime = Setting(
    key: "cursor.lifetime", default: "1h", help: "How long a cursor of a list is valid.", kind: .duration)
  static let logEntries = Setting(
    key: "log.entries", default: "10000",
    help: "The maximum number of requests that wait to be sent to the provisioning log. Further requests are dropped from the log "
      + "and counted.",
    kind: .integer(1...1_000_000))
  static let logMemory = Setting(
    key: "log.memory", default: "33554432",
    help: "The maximum memory for request bodies that wait for the provisioning log, in bytes. Further requests are dropped from "
      + "the log and counted.", kind: .count)
  static let oauthKey = Setting(
    key: "oauth.key",
    help: "Secret that encrypts the signing keys of access tokens, at least 16 characters. The same for identity-store. Default: "
      + "none, and OAuth is off.",
    isKey: true)
  static let accessTokenLifetime = Setting(
    key: "oauth.token-lifetime", default: "30m", help: "How long an access token of an OAuth client is valid: 10 to 60 minutes.",
    kind: .duration)
  static let webhookKey = Setting(
    key: "webhook.key",
    help: "Secret that encrypts the secrets of webhooks, at least 16 characters. The same for group-sync. Default: none, and no webhook "
      + "can be created.",
    isKey: true)
  static let dnsServers = Setting(
    key: "dns.servers",
    help: "The name servers that look up the TXT records of mail domains: addresses with optional ports, separated by commas, such as "
      + "192.0.2.53,[2001:db8::53]:5353. Default: those of the system.")
  static let dnsTimeout = Setting(
    key: "dns.timeout", default: "5s", help: "How long the look-up of a TXT record may take.", kind: .duration)
  static let tokenUseInterval = Setting(
    key: "token.use-interval", default: "10s", help: "How often scim-api reports to identity-store from where tokens were used.",
    kind: .duration)
  static let readRetryTime = Setting(
    key: "read.retry-time", default: "15s", help: "How long a read is retried while PostgreSQL is unavailable.", kind: .duration)
}

extension ServiceSettings {
  /// Parses a list of addresses and address ranges.
  ///
  /// - Throws: `SettingsError` if an element is invalid.
  func addressRanges(_ setting: Setting) throws(SettingsError) -> [AddressRange] {
    let texts = (optionalString(setting) ?? "").split(whereSeparator: { $0 == "," || $0.isWhitespace })
    return try texts.map { text throws(SettingsError) in
      guard let range = AddressRange(text) else {
        throw SettingsError([
          "\(setting.environmentName) (\(setting.key)): '\(text.prefix(100))' is not an address or a range such as 10.0.0.0/8"
        ])
      }
      return range
    }
  }

  /// The headers of the single sign-on proxy in front of the console; nil if there is none.
  func proxyHeaders() throws(SettingsError) -> ProxyHeaders? {
    func headerName(_ setting: Setting) throws(SettingsError) -> HTTPField.Name? {
      guard let text = optionalString(setting) else { return nil }
      guard let name = HTTPField.Name(text) else {
        throw SettingsError(["\(setting.environmentName) (\(setting.key)): '\(text.prefix(100))' is not a header name"])
      }
      return name
    }
    let workspace = try headerName(.trustedWorkspaceHeader)
    guard let person = try headerName(.trustedHeader) else { return nil }
    guard try !addressRanges(.trustedProxies).isEmpty else {
      throw SettingsError([
        "\(Setting.trustedHeader.environmentName) is set, but \(Setting.trustedProxies.environmentName) is not, so no proxy would be trusted"
      ])
    }
    return ProxyHeaders(person: person, workspace: workspace)
  }

  /// The encryption of signing keys; nil if OAuth is not configured.
  func keySeal() throws(SettingsError) -> KeySeal? {
    guard let secret = optionalString(.oauthKey) else { return nil }
    guard let seal = KeySeal(secret: secret) else {
      throw SettingsError(["\(Setting.oauthKey.environmentName) has fewer than \(KeySeal.minimumSecret) characters"])
    }
    return seal
  }

  /// The encryption of the secrets of webhooks; nil if webhooks are not configured.
  func webhookSeal() throws(SettingsError) -> WebhookSeal? {
    guard let secret = optionalString(.webhookKey) else { return nil }
    guard let seal = WebhookSeal(secret: secret) else {
      throw SettingsError(["\(Setting.webhookKey.environmentName) has fewer than \(WebhookSeal.minimumSecret) characters"])
    }
    return seal
  }

  /// The lifetime of access tokens, in seconds.
  func accessTokenLifetime() throws(SettingsError) -> Int64 {
    let lifetime = Int64(try duration(.accessTokenLifetime).inSeconds)
    guard (600...3600).contains(lifetime) else {
      throw SettingsError(["\(Setting.accessTokenLifetime.environmentName) must be from 10m to 60m, but is \(lifetime)s"])
    }
    return lifetime
  }
}

extension WorkspaceConcurrencyLimiter {
  /// Limits lists and queries, since each needs processor time for hundreds of resources.
  static func lists(_ settings: ServiceSettings, _ activeWorkspaces: ActiveWorkspaces) throws(SettingsError) -> WorkspaceConcurrencyLimiter
  {
    WorkspaceConcurrencyLimiter(
      maximumPerWorkspace: 4, besideOthers: try settings.integer(.listsBesideOthers), activeWorkspaces: activeWorkspaces,
      rate: try rate(settings, .listRateBesideOthers), maximumWaiting: 500)
  }

  /// Limits writes, since writes that start together form one batch, which delays the writes of other workspaces.
  static func writes(_ settings: ServiceSettings, _ activeWorkspaces: ActiveWorkspaces) throws(SettingsError) -> WorkspaceConcurrencyLimiter
  {
    let maximum = try settings.integer(.maximumInFlightPerWorkspace)
    return WorkspaceConcurrencyLimiter(
      "writes", maximumPerWorkspace: maximum, besideOthers: try settings.integer(.writesBesideOthers), activeWorkspaces: activeWorkspaces,
      rate: try rate(settings, .writeRateBesideOthers), maximumWaiting: maximum)
  }

  /// The rate while other workspaces are active, with a burst of a third of a second.
  private static func rate(_ settings: ServiceSettings, _ setting: Setting) throws(SettingsError) -> Rate {
    let perSecond = try settings.integer(setting)
    return Rate(perSecond: Double(perSecond), burst: max(1, perSecond / 3))
  }
}

extension Duration {
  /// The time in seconds.
  var inSeconds: Double { self / .seconds(1) }
}

extension RateLimits.Rates {
  /// Reads the rates from the settings.
  init(_ settings: ServiceSettings) throws(SettingsError) {
    func rate(_ perSecond: Setting, _ burst: Setting) throws(SettingsError) -> Rate {
      Rate(perSecond: Double(try settings.integer(perSecond)), burst: try settings.integer(burst))
    }
    self.init(
      token: try rate(.tokenRate, .tokenBurst), deploymentToken: try rate(.deploymentTokenRate, .deploymentTokenBurst),
      workspace: try rate(.workspaceRate, .workspaceBurst),
      unauthenticated: try rate(.unauthenticatedRate, .unauthenticatedBurst), publicRead: try rate(.publicRate, .publicBurst),
      rejection: Rate(perSecond: Double(try settings.integer(.rejectionRate)), burst: try settings.integer(.rejectionRate)),
      maximumHold: try settings.duration(.rejectionHold).inSeconds)
  }
}

extension ServiceSettings {
  /// How often usage is reported to the other edges; nil if each edge limits by itself.
  func shareInterval() throws(SettingsError) -> Duration? {
    let interval = try duration(.shareInterval)
    guard interval > .zero else { return nil }
    guard interval >= .milliseconds(50), interval <= .seconds(1) else {
      throw SettingsError(["\(Setting.shareInterval.environmentName) must be between 50ms and 1s, or 0"])
    }
    return interval
  }
}

extension ConcurrencyLimit.Limits {
  /// Reads the limits from the given settings.
  init(_ settings: ServiceSettings, all: Setting, perWorkspace: Setting, perToken: Setting) throws(SettingsError) {
    self.init(
      all: try settings.integer(all), perWorkspace: try settings.integer(perWorkspace), perToken: try settings.integer(perToken))
  }
}

extension BodyBudget.Limits {
  /// Reads the limits from the settings. Each limit is raised to what a single body needs.
  init(_ settings: ServiceSettings) throws(SettingsError) {
    let body = try settings.integer(.bodyLimit)
    self.init(
      // A single body may use half of the memory, so twice its size must fit.
      largeBodies: max(try settings.integer(.bodyMemory), 2 * body),
      smallBodies: max(try settings.integer(.smallBodyMemory), 2 * BodyBudget.smallBody),
      perWorkspace: max(try settings.integer(.bodyMemoryPerWorkspace), body),
      perAddress: max(try settings.integer(.bodyMemoryPerAddress), BodyBudget.smallBody))
  }
}

extension ListenerConfiguration {
  /// Reads the configuration of the HTTP server from the settings.
  ///
  /// - Throws: `SettingsError`, or the error of the certificate if it cannot be loaded.
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
