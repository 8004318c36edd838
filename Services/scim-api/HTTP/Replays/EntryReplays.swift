import EdgeHTTP
import EdgeReads
import Foundation
import HTTPTypes
import Hummingbird
import Models
import NIOCore
import ProvisioningLog

/// Resends the requests of log entries on behalf of an admin.
///
/// The request passes through the same endpoints as a request of the identity provider, so that it is validated, normalised, limited, executed
/// and logged in the same way.
package struct EntryReplays: Sendable {
  /// The result of a request that was sent again.
  struct Outcome: Sendable, Equatable {
    var status: Int
    /// The new entry in the log; nil for a successful read, which is not logged.
    var entry: LogEntryID?
  }

  private let responder: RouterResponder<EdgeContext>

  /// - Parameter responder: responds to the requests of identity providers.
  package init(responder: RouterResponder<EdgeContext>) {
    self.responder = responder
  }

  /// Sends a request again.
  ///
  /// - Throws: 409 if the request cannot be built. Errors in the response are part of the outcome.
  func send(_ replay: ReplayRequest, of original: LogEntryID, in context: ConsoleContext) async throws -> Outcome {
    guard let method = HTTPRequest.Method(replay.method) else {
      throw APIError(409, "The request's method, '\(replay.method.prefix(20))', cannot be sent again.")
    }
    var headers: HTTPFields = [.contentLength: "\(replay.body?.count ?? 0)"]
    for (name, value) in replay.headers {
      if let name = HTTPField.Name(name) { headers[name] = value }
    }
    let request = Request(
      head: HTTPRequest(method: method, scheme: nil, authority: context.site.host, path: replay.target, headerFields: headers),
      body: RequestBody(buffer: ByteBuffer(bytes: replay.body ?? [])))
    let entry = LogEntryID.made(at: Date())
    let caller = context.session.caller
    var replayContext = EdgeContext(logger: context.logger, peer: context.info.peer)
    replayContext.info.record(replayOf: original, as: entry, by: caller)
    replayContext.caller = caller
    replayContext.base = context.site.baseURL
    let response = try await responder.respond(to: request, context: replayContext)
    let status = response.status.code
    let isLogged = status >= 400 || ![.get, .head].contains(method) && !request.uri.path.hasSuffix(".search")
    return Outcome(status: status, entry: isLogged ? entry : nil)
  }
}
