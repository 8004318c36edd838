import Foundation
import Logging
import NIOSSL
import Synchronization

/// The certificate and key of the edge, read again when their files change: so one that is renewed is in force without a restart.
package final class Certificate: Sendable {
  private struct State {
    var context: NIOSSLContext
    var files: [FileState]
    var checkedAt: ContinuousClock.Instant
  }

  /// What tells that a file is another than it was.
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
  ///   - chain: The path of a PEM file with the certificate and those between it and the root.
  ///   - key: The path of a PEM file with the private key.
  ///   - interval: How often the files are looked at, at most.
  /// - Throws: Where a file cannot be read, or the two do not belong together.
  package init(chain: String, key: String, interval: Duration = .seconds(1), logger: Logger) throws {
    self.chain = chain
    self.key = key
    self.interval = interval
    self.logger = logger
    state = Mutex(
      State(
        context: try Self.context(chain: chain, key: key), files: try [chain, key].map(FileState.init), checkedAt: .now))
  }

  /// What a new connection is to use. Where the files have changed and are no good, that is the certificate from before.
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
        logger.notice("the certificate was read again", metadata: ["file": "\(chain)"])
      } catch {
        logger.warning("the certificate has changed and cannot be used; the one from before stays", metadata: ["error": "\(error)"])
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
