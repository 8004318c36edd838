import Foundation
import Logging
import NIOSSL
import Synchronization

/// The TLS certificate and key of the server. Reloads the files when they change, so a renewed certificate is used without a restart.
package final class Certificate: Sendable {
  private struct State {
    var context: NIOSSLContext
    var files: [FileState]
    var checkedAt: ContinuousClock.Instant
  }

  /// The attributes by which a change of a file is detected.
  private struct FileState: Equatable {
    var modified: Date?
    var size: Int?
    var number: Int?

    init(_ path: String) throws {
      let attributes = try FileManager.default.attributesOfItem(atPath: path)
      modified = attributes[.modificationDate] as? Date
      size = (attributes[.size] as? NSNumber)?.intValue
      number = (attributes[.systemFileNumber] as? NSNumber)?.intValue
    }
  }

  private let chain: String
  private let key: String
  private let interval: Duration
  private let logger: Logger
  private let state: Mutex<State>

  /// - Parameters:
  ///   - chain: the path of a PEM file with the certificate and the intermediate certificates.
  ///   - key: the path of a PEM file with the private key.
  ///   - interval: the minimum time between two checks of the files.
  /// - Throws: An error if a file cannot be read, or the key does not match the certificate.
  package init(chain: String, key: String, interval: Duration = .seconds(1), logger: Logger) throws {
    self.chain = chain
    self.key = key
    self.interval = interval
    self.logger = logger
    state = Mutex(
      State(
        context: try Self.context(chain: chain, key: key), files: try [chain, key].map(FileState.init), checkedAt: .now))
  }

  /// The TLS context for a new connection. If the changed files are not usable, the previous certificate stays in use.
  package var context: NIOSSLContext {
    state.withLock { state in
      let now = ContinuousClock.now
      guard now - state.checkedAt >= interval else { return state.context }
      state.checkedAt = now
      do {
        let files = try [chain, key].map(FileState.init)
        guard files != state.files else { return state.context }
        state.context = try Self.context(chain: chain, key: key)
        state.files = files
        logger.notice("reloaded the certificate", metadata: ["file": "\(chain)"])
      } catch {
        logger.warning("the changed certificate cannot be loaded; the previous one stays in use", metadata: ["error": "\(error)"])
      }
      return state.context
    }
  }

  private static func context(chain: String, key: String) throws -> NIOSSLContext {
    let certificates = try NIOSSLCertificate.fromPEMFile(chain).map { NIOSSLCertificateSource.certificate($0) }
    var configuration = TLSConfiguration.makeServerConfiguration(
      certificateChain: certificates, privateKey: .privateKey(try NIOSSLPrivateKey(file: key, format: .pem)))
    configuration.minimumTLSVersion = .tlsv12
    configuration.applicationProtocols = ["http/1.1"]
    return try NIOSSLContext(configuration: configuration)
  }
}
