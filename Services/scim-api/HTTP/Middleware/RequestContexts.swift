import Hummingbird
import Logging
import Models

/// The source of the contexts of a connection's requests.
package struct ConnectionContextSource: RequestContextSource {
  /// The logger of the requests.
  package let logger: Logger
  /// The peer of the connection.
  package let peer: Peer
}

/// The context of every request.
package struct EdgeContext: RequestContext {
  /// What the context of a request is made from.
  package typealias Source = ConnectionContextSource

  /// Hummingbird's part of the context.
  package var coreContext: CoreRequestContextStorage
  /// Collects what the log line and the provisioning log need.
  package let info: RequestInfo
  /// The authenticated caller. Set by an authentication middleware.
  package var caller: Caller?
  /// The SCIM base URL at the host of the request. Set by an authentication middleware.
  package var base: BaseURL?
  /// The host of the request. Set by the console's authentication middleware.
  package var site: Site?
  /// Values of other targets' middleware, by type.
  private var values: [ObjectIdentifier: any Sendable] = [:]

  /// The context of a request that arrived on a connection.
  package init(source: ConnectionContextSource) {
    coreContext = CoreRequestContextStorage(source: source)
    info = RequestInfo(peer: source.peer)
  }

  /// The context of a request that did not arrive on a connection.
  ///
  /// - Parameter peer: the client on whose behalf the request is made.
  package init(logger: Logger, peer: Peer) {
    self.init(source: ConnectionContextSource(logger: logger, peer: peer))
  }

  /// The value of this type that a middleware of another target stores for its handlers.
  package subscript<Value: Sendable>(_: Value.Type) -> Value? {
    get { values[ObjectIdentifier(Value.self)] as? Value }
    set { values[ObjectIdentifier(Value.self)] = newValue }
  }
}

/// The context of a request that the ``AuthenticationMiddleware`` has authenticated.
package struct CallerContext: ChildRequestContext {
  /// Hummingbird's part of the context.
  package var coreContext: CoreRequestContextStorage
  /// Collects what the log line and the provisioning log need.
  package let info: RequestInfo
  /// The authenticated caller.
  package let caller: Caller
  /// The SCIM base URL at the host of the request.
  package let base: BaseURL

  /// - Throws: 401 if no middleware has authenticated the request.
  package init(context: EdgeContext) throws {
    guard let caller = context.caller, let base = context.base else { throw APIError.unauthenticated() }
    self.base = base
    coreContext = context.coreContext
    info = context.info
    self.caller = caller
  }
}
