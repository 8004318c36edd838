import EdgeHTTP
import EdgeReads
import Foundation
import HTTPTypes
import Hummingbird
import Logging
import Models
import NIOCore
import ProvisioningLog

/// Sends the request of a log entry again, for the admin at the console. It passes through the edge's own controllers, so that it is validated,
/// normalised, limited, executed and logged like the identity provider's.
package struct EntryReplays: Sendable {
  private let responder: RouterResponder<EdgeContext>

  /// - Parameter responder: responds to the requests that identity providers send, for callers whom the console has authenticated.
  package init(responder: RouterResponder<EdgeContext>) {
    self.responder = responder
  }

  /// What came of it.
  struct Outcome: Sendable, Equatable {
    var status: Int
    /// The entry that the log gets of it; nil for a read that went well, which is not logged.
    var entry: LogEntryID?
  }

  /// - Throws: ``APIError`` where the request cannot be put together; whatever goes wrong with it is an outcome.
  func send(_ replay: ReplayRequest, of original: LogEntryID, in context: ConsoleContext) async throws -> Outcome {
    guard let method = HTTPRequest.Method(replay.method) else {
      throw APIError(409, "The request's method, '\(replay.method.prefix(20))', is none that can be sent again.")
    }
    var headers: HTTPFields = [.contentLength: "\(replay.body?.count ?? 0)"]
    for (name, value) in replay.headers {
      if let name = HTTPField.Name(name) { headers[name] = value }
    }
    let request = Request(
      head: HTTPRequest(method: method, scheme: nil, authority: context.site.host, path: replay.target, headerFields: headers),
      body: RequestBody(buffer: ByteBuffer(bytes: replay.body ?? [])))
    let id = LogEntryID.made(at: Date())
    let replaying = EdgeContext(replaying: original, as: id, in: context)
    let response = try await responder.respond(to: request, context: replaying)
    let status = response.status.code
    let isLogged = status >= 400 || ![.get, .head].contains(method) && !request.uri.path.hasSuffix(".search")
    return Outcome(status: status, entry: isLogged ? id : nil)
  }
}

extension EdgeContext {
  /// The context of a request that the console sends again.
  fileprivate init(replaying original: LogEntryID, as entry: LogEntryID, in context: ConsoleContext) {
    self.init(logger: context.logger, peer: context.info.peer)
    info.record(replayOf: original, as: entry, by: context.session.caller)
    caller = context.session.caller
    base = context.site.baseURL
  }
}
