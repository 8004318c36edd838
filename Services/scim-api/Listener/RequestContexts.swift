import Hummingbird

/// What is known of a request from the start.
struct EdgeContext: RequestContext {
  var coreContext: CoreRequestContextStorage
  /// What the log line of the request will tell.
  let facts: RequestFacts
  /// Set by the ``Door``.
  var caller: Caller?
  /// Set by the ``Door``, too: of the host that was called.
  var base: BaseURL?
  /// Set by the ``ConsoleDoor``.
  var session: ConsoleSession?
  /// Set by the ``ConsoleDoor``, too: the host that was called.
  var site: Site?
  /// Set by the ``ConsoleDoor``, too.
  var sessionCookie: SessionCookie?

  init(source: ApplicationRequestContextSource) {
    coreContext = CoreRequestContextStorage(source: source)
    facts = RequestFacts(peer: source.channel.remoteAddress?.ipAddress)
  }
}

/// What is known of a request behind the ``Door``.
struct CallerContext: ChildRequestContext {
  var coreContext: CoreRequestContextStorage
  let facts: RequestFacts
  let caller: Caller
  /// The URL under which the caller reaches SCIM.
  let base: BaseURL

  init(context: EdgeContext) throws {
    guard let caller = context.caller, let base = context.base else { throw Refusal.unauthenticated() }
    self.base = base
    coreContext = context.coreContext
    facts = context.facts
    self.caller = caller
  }
}
