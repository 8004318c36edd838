import Crypto
import EdgeHTTP
import EdgeReads
import Foundation
import Logging
import Models
import Synchronization

/// Gives sessions new secrets, so that a cookie that was copied somewhere is good for nothing soon.
final class SessionRotation: Sendable {
  /// How old a secret becomes, in seconds.
  static let age: TimeInterval = 15 * 60
  /// For how long the secret before is good, too, in seconds: for requests in flight, and for other tabs.
  static let grace: TimeInterval = 60

  /// Whether the session is to get a new secret now.
  ///
  /// Who comes with the former one late in its time never got the present one: an answer that was lost is no reason to be signed out.
  static func isDue(_ session: SessionRecord, shown digest: SHA256.Digest, at now: Date) -> Bool {
    if digest == session.token.digest { return now >= session.secretSince + age }
    return session.token.former.map { digest == $0.digest && now >= $0.until - grace / 2 } ?? false
  }

  private struct State {
    var underWay: Set<TokenID> = []
    var pausedUntil: ContinuousClock.Instant?
  }

  private let state = Mutex(State())
  private let commands: CommandClient
  private let directory: SessionCache
  private let pause: Duration

  private static let patience: TimeInterval = 2

  init(commands: CommandClient, directory: SessionCache, pause: Duration = .seconds(30)) {
    self.commands = commands.startingWithin(Self.patience)
    self.directory = directory
    self.pause = pause
  }

  /// The key that the browser is to have from now on, where it is time for one; nil where it keeps the one it has. That is so while the store
  /// is away, too.
  func key(after key: SessionKey, of session: SessionRecord, at now: Date, info: RequestInfo, logger: Logger) async -> SessionKey? {
    let digest = SHA256.hash(data: Data(key.secret.text.utf8))
    guard Self.isDue(session, shown: digest, at: now), begin(key.id) else { return nil }
    defer { state.withLock { _ = $0.underWay.remove(key.id) } }
    let next = SessionKey(id: key.id, secret: key.secret.rotated())
    let rotation = SecretRotation(
      client: key.id, replacing: Hex.text(digest), digest: Hex.digest(of: next.secret.text), formerUntil: now + Self.grace)
    do {
      let workspace = key.secret.workspace
      let outcome = try await commands.execute(
        .rotateSecret(rotation), on: workspace.resource, in: workspace, by: .service("scim-api"), info: info)
      directory.forget(key.id, in: workspace)
      guard case .refused = outcome else { return next }
      // Another request was faster; its answer brings the new one.
      return nil
    } catch {
      logger.info("a session keeps its secret for now", metadata: ["error": "\(error)"])
      state.withLock { $0.pausedUntil = .now + pause }
      return nil
    }
  }

  private func begin(_ session: TokenID) -> Bool {
    state.withLock { state in
      if let until = state.pausedUntil, .now < until { return false }
      return state.underWay.insert(session).inserted
    }
  }
}

/// What the store is told of a secret.
enum Hex {
  /// SHA-256 in hexadecimal.
  static func digest(of secret: String) -> String { text(SHA256.hash(data: Data(secret.utf8))) }

  static func text(_ bytes: some Sequence<UInt8>) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }
}
