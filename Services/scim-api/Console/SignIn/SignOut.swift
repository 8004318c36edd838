import EdgeHTTP
import EdgeReads
import Models

/// The end of a session: in the store, so on every copy of the edge within a second, and in the browser.
struct SignOut: Sendable {
  let commands: CommandClient

  var endpoint: ConsoleEndpoint {
    .action("/sign-out") { _, context in
      let session = context.session.caller.token
      let outcome = try await commands.execute(
        .revokeToken(TokenRevocation(token: session)), on: context.workspace.resource, for: context.session.caller, info: context.info)
      if case .refused(let status, let error) = outcome { throw APIError(status: status, stored: error) }
      return .leave(to: ConsolePath.signIn)
    }
  }
}
