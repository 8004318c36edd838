import Foundation
import HTTPTypes
import Hummingbird
import Logging
import Models
import NIOCore
import ProvisioningLog

/// Resends the requests of log entries on behalf of an admin.
///
/// The request passes through the same endpoints as a request of the identity provider, so that it is validated, normalised, limited, executed
/// and logged in the same way.
package struct EntryReplays: Sendable {
  /// The result of a request that was sent again.
  package struct Outcome: Sendable, Equatable {
    /// The status of the response.
    package var status: Int
    /// The new entry in the log; nil for a successful read, which is not logged.
    package var entry: LogEntryID?
  }

  private let responder: RouterResponder<EdgeContext>

  /// - Parameter responder: responds to the requests of identity providers.
  package init(responder: RouterResponder<EdgeContext>) {
    self.responder = responder
  }

  /// Sends a request again.
  ///
  /// - Parameters:
  ///   - original: the entry of the request.
  ///   - caller: the admin, in the workspace of the entry.
  ///   - authority: the host that the admin called.
  ///   - base: the SCIM base URL at that host.
  /// - Throws: 409 if the request cannot be built. Errors in the response are part of the outcome.
  package func send(
    _ replay: ReplayRequest, of original: LogEntryID, by caller: Caller, at authority: String?, _ base: BaseURL, peer: Peer, logger: Logger
  ) async throws -> Outcome {
    guard let method = HTTPRequest.Method(replay.method) else {
      throw APIError(409, "The request's method, '\(replay.method.prefix(20))', cannot be sent again.")
    }
    var headers: HTTPFields = [.contentLength: "\(replay.body?.count ?? 0)"]
    for (name, value) in replay.headers {
      if let name = HTTPField.Name(name) { headers[name] = value }
    }
    let request = Request(
      head: HTTPRequest(method: method, scheme: nil, authority: authority, path: replay.target, headerFields: headers),
      body: RequestBody(buffer: ByteBuffer(bytes: replay.body ?? [])))
    let entry = LogEntryID.made(at: Date())
    var context = EdgeContext(logger: logger, peer: peer)
    context.info.record(replayOf: original, as: entry, by: caller)
    context.caller = caller
    context.base = base
    let response = try await responder.respond(to: request, context: context)
    let status = response.status.code
    let isLogged = status >= 400 || ![.get, .head].contains(method) && !request.uri.path.hasSuffix(".search")
    return Outcome(status: status, entry: isLogged ? entry : nil)
  }
}
