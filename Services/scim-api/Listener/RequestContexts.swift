import Hummingbird
import Logging

/// What is known of a request from the start.
struct EdgeContext: RequestContext {
  var coreContext: CoreRequestContextStorage
  /// What the log line of the request will tell.
  let facts: RequestInfo
  /// Set by the ``AuthenticationMiddleware``.
  var caller: Caller?
  /// Set by the ``AuthenticationMiddleware``, too: of the host that was called.
  var base: BaseURL?

  init(source: ApplicationRequestContextSource) {
    coreContext = CoreRequestContextStorage(source: source)
    facts = RequestInfo(peer: source.channel.remoteAddress?.ipAddress)
  }

  /// The context of a request that did not arrive on a connection.
  ///
  /// - Parameter peer: the IP address of the client on whose behalf the request is made.
  init(logger: Logger, peer: String?) {
    coreContext = CoreRequestContextStorage(source: LoggerSource(logger: logger))
    facts = RequestInfo(peer: peer)
  }
}

private struct LoggerSource: RequestContextSource {
  let logger: Logger
}

/// What is known of a request behind the ``AuthenticationMiddleware``.
struct CallerContext: ChildRequestContext {
  var coreContext: CoreRequestContextStorage
  let facts: RequestInfo
  let caller: Caller
  /// The URL under which the caller reaches SCIM.
  let base: BaseURL

  init(context: EdgeContext) throws {
    guard let caller = context.caller, let base = context.base else { throw APIError.unauthenticated() }
    self.base = base
    coreContext = context.coreContext
    facts = context.facts
    self.caller = caller
  }
}
