import Credentials
import Crypto
import EdgeHTTP
import EdgeReads
import Foundation
import Logging
import Models
import Primitives
import Synchronization

/// Rotates the secrets of sessions, so that a copied cookie expires soon.
final class SessionRotation: Sendable {
  /// The age in seconds at which a secret is replaced.
  static let age: TimeInterval = 15 * 60
  /// How long the previous secret stays valid in seconds, for requests in flight and other tabs.
  static let grace: TimeInterval = 60

  /// Whether the session needs a new secret now.
  ///
  /// A request with the previous secret late in the grace period means that the response with the current one was lost, so it gets another.
  static func isDue(_ session: SessionRecord, shown digest: SHA256.Digest, at now: Date) -> Bool {
    if digest == session.token.digest { return now >= session.secretSince + age }
    return session.token.former.map { digest == $0.digest && now >= $0.until - grace / 2 } ?? false
  }

  private struct State {
    var rotating: Set<TokenID> = []
    var pausedUntil: ContinuousClock.Instant?
  }

  private let state = Mutex(State())
  private let commands: CommandClient
  private let cache: SessionCache
  private let pause: Duration

  /// The time limit of a rotation in seconds.
  private static let timeout: TimeInterval = 2

  init(commands: CommandClient, cache: SessionCache, pause: Duration = .seconds(30)) {
    self.commands = commands.startingWithin(Self.timeout)
    self.cache = cache
    self.pause = pause
  }

  /// Rotates the secret if it is due, and returns the new key. Returns nil if the browser keeps its key, also if identity-store is unavailable.
  func key(after key: SessionKey, of session: SessionRecord, at now: Date, info: RequestInfo, logger: Logger) async -> SessionKey? {
    let digest = SHA256.hash(data: Data(key.secret.text.utf8))
    guard Self.isDue(session, shown: digest, at: now), begin(key.id) else { return nil }
    defer { state.withLock { _ = $0.rotating.remove(key.id) } }
    let next = SessionKey(id: key.id, secret: key.secret.rotated())
    let rotation = SecretRotation(
      client: key.id, replacing: Hex.encode(digest), digest: SecretDigest.hex(of: next.secret.text), formerUntil: now + Self.grace)
    do {
      let workspace = key.secret.workspace
      let outcome = try await commands.execute(
        .rotateSecret(rotation), on: workspace.resource, in: workspace, by: .service("scim-api"), info: info)
      cache.remove(key.id, in: workspace)
      guard case .refused = outcome else { return next }
      // A concurrent request has rotated the secret; its response sets the new cookie.
      return nil
    } catch {
      logger.info("the session secret could not be rotated", metadata: ["error": "\(error)"])
      state.withLock { $0.pausedUntil = .now + pause }
      return nil
    }
  }

  private func begin(_ session: TokenID) -> Bool {
    state.withLock { state in
      if let until = state.pausedUntil, .now < until { return false }
      return state.rotating.insert(session).inserted
    }
  }
}
