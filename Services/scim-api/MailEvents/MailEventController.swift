import Foundation
import Hummingbird
import Models

/// `POST /api/v2/mail-events`: the mail system reports what became of an invitation after it took it.
struct MailEventController: Sendable {
  /// Passes a report on; returns when it is safe, and who reported it as well. The text is the `traceparent`.
  typealias Send = @Sendable (MailEvent, Command.Actor, String?) async throws -> Void

  let bodies: BodyReader
  let send: Send

  var endpoint: Endpoint { Endpoint(.post, ResourcePath.mailEvents, scope: .admin, handle: accept) }

  private func accept(_ request: Request, _ context: CallerContext) async throws -> Response {
    var share = BodyBudget.Share(of: bodies.budget, for: .workspace(context.caller.workspace))
    let body = try await bodies.json(in: request, share: &share, facts: context.facts, maximum: BodyReader.maximumEvent)
    let event = try MailEvent(body, in: context.caller.workspace, at: Date())
    try await send(event, context.caller.actor, context.facts.notes.traceparent)
    share.release()
    return Response(status: .accepted)
  }
}
