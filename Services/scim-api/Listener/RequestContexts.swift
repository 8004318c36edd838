import Hummingbird

/// What is known of a request from the start.
struct EdgeContext: RequestContext {
  var coreContext: CoreRequestContextStorage
  /// What the log line of the request will tell.
  let facts: RequestFacts
  /// Set by the ``Door``.
  var caller: Caller?

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

  init(context: EdgeContext) throws {
    guard let caller = context.caller else { throw Refusal.unauthenticated() }
    coreContext = context.coreContext
    facts = context.facts
    self.caller = caller
  }
}
