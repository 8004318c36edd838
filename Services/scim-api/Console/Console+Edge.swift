import EdgeHTTP
import EdgeReads
import Hummingbird

extension Console: ErrorRenderer, KnownCredentials {
  package func handles(_ path: String) -> Bool { ResourcePath.isConsole(path) }

  package func response(for error: APIError) -> Response { layout.response(error, for: nil) }

  package func unknownPath(_ path: String) -> APIError {
    APIError(404, "The console has no such page. It may have been moved, or the address was cut off.")
  }

  package func isKnown(_ request: Request) -> Bool {
    [true, false].contains { door.sessions.knows(request, cookie: SessionCookie(isSecure: $0)) }
  }
}

extension EdgeContext {
  /// The session of the request. Set by the ``ConsoleAuthenticationMiddleware``.
  var session: ConsoleSession? {
    get { self[ConsoleSession.self] }
    set { self[ConsoleSession.self] = newValue }
  }

  /// The cookie of the session. Set by the ``ConsoleAuthenticationMiddleware``.
  var sessionCookie: SessionCookie? {
    get { self[SessionCookie.self] }
    set { self[SessionCookie.self] = newValue }
  }
}
