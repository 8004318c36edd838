import EdgeHTTP
import EdgeReads
import Hummingbird
import Models

/// The context of a request to the console before its session is known. ``ConsoleAuthenticationMiddleware`` sets `authentication`.
struct ConsoleRequestContext: ChildRequestContext {
  var coreContext: CoreRequestContextStorage
  let info: RequestInfo
  var authentication: ConsoleContext.Authentication?

  init(context: EdgeContext) throws {
    coreContext = context.coreContext
    info = context.info
  }
}

/// The context of a request with a session.
struct ConsoleContext: ChildRequestContext {
  /// What the ``ConsoleAuthenticationMiddleware`` found out about a request.
  struct Authentication: Sendable {
    var session: ConsoleSession
    /// The host of the request.
    var site: Site
    /// The cookie that carries the session.
    var cookie: SessionCookie
    /// The layout of the pages.
    var layout: ConsoleLayout
    /// The memory budget for form bodies.
    var bodies: BodyBudget
  }

  var coreContext: CoreRequestContextStorage
  let info: RequestInfo
  private let authentication: Authentication

  /// The session of the signed-in admin.
  var session: ConsoleSession { authentication.session }
  /// The host of the request.
  var site: Site { authentication.site }
  /// The cookie that carries the session.
  var sessionCookie: SessionCookie { authentication.cookie }
  /// The layout of the pages.
  var layout: ConsoleLayout { authentication.layout }
  /// The memory budget for form bodies.
  var bodies: BodyBudget { authentication.bodies }
  /// The workspace of the session.
  var workspace: WorkspaceID { session.caller.workspace }

  /// - Throws: 401 if the request has no session.
  init(context: ConsoleRequestContext) throws {
    guard let authentication = context.authentication else { throw APIError.unauthenticated() }
    coreContext = context.coreContext
    info = context.info
    self.authentication = authentication
  }
}
