import EdgeHTTP
import EdgeReads
import Hummingbird
import Models

/// What is known of a request to the console behind the ``ConsoleAuthenticationMiddleware``.
struct ConsoleContext: ChildRequestContext {
  var coreContext: CoreRequestContextStorage
  let info: RequestInfo
  /// Who asks, and for which workspace.
  let session: ConsoleSession
  /// The host that was called.
  let site: Site
  /// What the browser shows its session with.
  let sessionCookie: SessionCookie

  var workspace: WorkspaceID { session.caller.workspace }

  init(context: EdgeContext) throws {
    guard let session = context.session, let site = context.site, let cookie = context.sessionCookie else {
      throw APIError.unauthenticated()
    }
    coreContext = context.coreContext
    info = context.info
    self.session = session
    self.site = site
    sessionCookie = cookie
  }
}
