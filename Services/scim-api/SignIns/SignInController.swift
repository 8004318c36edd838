import Foundation
import Hummingbird
import Models

/// `POST /api/v2/sign-ins`: the product's sign-in service says that a person signed in.
struct SignInController: Sendable {
  /// Passes a sign-in on; returns when it is safe. The text is the `traceparent`.
  typealias Send = @Sendable (SignIn, String?) async throws -> Void

  let bodies: BodyReader
  let send: Send

  var endpoint: Endpoint { Endpoint(.post, ResourcePath.signIns, scope: .signIns, handle: accept) }

  private func accept(_ request: Request, _ context: CallerContext) async throws -> Response {
    var share = BodyBudget.Share(of: bodies.budget, for: .workspace(context.caller.workspace))
    let body = try await bodies.json(in: request, share: &share, facts: context.facts, maximum: BodyReader.maximumEvent)
    let signIn = try SignIn(body, in: context.caller.workspace, at: Date())
    try await send(signIn, context.facts.notes.traceparent)
    share.release()
    return Response(status: .accepted)
  }
}
