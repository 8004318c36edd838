import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOPosix
import NIOSSL
import ServiceLifecycle

/// The HTTP server. Serves requests until graceful shutdown, and then finishes those in flight.
///
/// A restart without lost requests needs two features that Hummingbird's server does not have: sharing the port with another process
/// (SO_REUSEPORT), and sending `Connection: close` on kept-alive connections before they are closed. Everything behind the socket is
/// Hummingbird's: connections (`HTTP1Channel`), requests, responses, routing.
package struct EdgeServer<Responder: HTTPResponder>: Service
where Responder.Context: InitializableFromSource<ConnectionContextSource> {
  /// Responds to requests.
  package let responder: Responder
  /// How connections are accepted.
  package let configuration: ListenerConfiguration
  /// The logger of the server and of its requests.
  package let logger: Logger
  /// Counts a malformed request of a client address; returns 429 if the address has sent too many.
  package var countMalformed: @Sendable (_ peer: String?) -> APIError? = { _ in nil }
  /// Called with the port once the server listens on it.
  var onListening: @Sendable (Int) -> Void = { _ in }

  /// A server that starts to listen in ``run()``.
  ///
  /// - Parameters:
  ///   - countMalformed: counts a malformed request of a client address; returns 429 if the address has sent too many.
  ///   - onListening: called with the port once the server listens on it.
  package init(
    responder: Responder, configuration: ListenerConfiguration, logger: Logger,
    countMalformed: @escaping @Sendable (_ peer: String?) -> APIError? = { _ in nil },
    onListening: @escaping @Sendable (Int) -> Void = { _ in }
  ) {
    self.responder = responder
    self.configuration = configuration
    self.logger = logger
    self.countMalformed = countMalformed
    self.onListening = onListening
  }

  /// Serves until graceful shutdown.
  package func run() async throws {
    let connections = OpenConnections()
    let handler = connectionHandler(connections)
    let listener = try await bind(connections, handler(nil))
    let port = listener.channel.localAddress?.port ?? configuration.port
    if configuration.sharesPort { await takeOver(listener.channel) }
    logger.info("listening", metadata: ["host": "\(configuration.host)", "port": "\(port)"])
    onListening(port)
    try await withGracefulShutdownHandler {
      try await listener.executeThenClose { accepted in
        try await withThrowingDiscardingTaskGroup { group in
          for try await channel in accepted {
            connections.add(channel.channel)
            group.addTask(executorPreference: ConnectionExecutor(of: channel.channel)) {
              await handler(channel.channel).handle(value: channel, logger: logger)
              connections.remove(channel.channel)
            }
          }
          // The listener is closed only by graceful shutdown.
          logger.info("no longer listening", metadata: ["connections": "\(connections.count)"])
          await connections.drain(within: configuration.drain)
        }
      }
    } onGracefulShutdown: {
      connections.startDraining()
      close(listener.channel, connections, until: .now() + .seconds(1))
    }
    logger.info("all connections are closed")
  }

  /// Closes the listener once every connection that it has accepted is handled, at the latest at `end`.
  ///
  /// A listener that closes drops the connections whose pipelines are being set up, and the process traps (swift-nio issue 2813).
  private func close(_ listener: any Channel, _ connections: OpenConnections, until end: NIODeadline) {
    listener.setOption(.autoRead, value: false).whenComplete { _ in
      if !connections.hasUnhandled || NIODeadline.now() > end {
        listener.close(promise: nil)
      } else {
        listener.eventLoop.scheduleTask(in: .milliseconds(10)) { close(listener, connections, until: end) }
      }
    }
  }

  private func bind(_ connections: OpenConnections, _ connection: HTTP1Channel) async throws -> NIOAsyncChannel<HTTP1Channel.Value, Never> {
    let maximumConnections = configuration.maximumConnections
    let certificate = configuration.certificate
    return try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .serverChannelOption(.backlog, value: 4096)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .serverChannelOption(.socketOption(.init(rawValue: SO_REUSEPORT)), value: configuration.sharesPort ? 1 : 0)
      .childChannelOption(.allowRemoteHalfClosure, value: true)
      .serverChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandlers(
            AcceptHandler(connections), AvailableConnectionsChannelHandler(maxConnections: maximumConnections))
        }
      }
      .bind(host: configuration.host, port: configuration.port) { channel in
        guard let certificate else { return connection.setup(channel: channel, logger: logger) }
        return channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: certificate.context))
        }.flatMap { connection.setup(channel: channel, logger: logger) }
      }
  }

  /// Makes the kernel give all new connections to this process, the newest listener on the port.
  ///
  /// Without it, the connections in the accept queue of the process that shuts down are reset when it closes its socket.
  private func takeOver(_ channel: any Channel) async {
    guard let socket = channel as? any SocketOptionProvider else { return }
    do {
      try await NewestListener.select(on: socket)
    } catch {
      // The kernel then distributes connections over all listeners, and a restart may reset some.
      logger.warning("cannot take over new connections from another process on the port", metadata: ["error": "\(error)"])
    }
  }

  /// Makes the handlers of connections; the one without a connection only sets up their pipelines.
  private func connectionHandler(_ connections: OpenConnections) -> @Sendable (_ connection: (any Channel)?) -> HTTP1Channel {
    let date = HTTPDate()
    let (responder, logger) = (responder, logger)
    let security = SecurityHeaders(isSecure: configuration.isSecure)
    let settings = connectionSettings(security)
    return { connection in
      let source = ConnectionContextSource(logger: logger, peer: Peer(connection?.remoteAddress?.ipAddress))
      return HTTP1Channel(
        responder: { request, writer, channel in
          if let expectation = request.headers[.expect], expectation.lowercased() == "100-continue" {
            try await writer.writeInformationalHead(HTTPResponse(status: .continue))
          }
          var response = try await responder.respond(to: request, context: Responder.Context(source: source))
          response.headers[.date] = date.text
          security.add(to: &response.headers)
          if connections.isDraining {
            // Closes the connection after this response; the client's next one goes to another process.
            response.headers[.connection] = "close"
            channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
          }
          try await writer.write(response: response.head, body: response.body)
        }, configuration: settings)
    }
  }

  private func connectionSettings(_ security: SecurityHeaders) -> HTTP1Channel.Configuration {
    let (timeouts, countMalformed) = (configuration.timeouts, countMalformed)
    return HTTP1Channel.Configuration(
      additionalChannelHandlers: [SlowClientHandler(timeouts), MalformedRequestHandler(headers: security, count: countMalformed)],
      idleTimeout: configuration.idleTimeout,
      // Larger than the maximum URL, so that URLLengthMiddleware can respond with 414.
      httpDecoderConfiguration: .init(maxHeaderFieldSize: 16 << 10, maxHeaderListSize: 64 << 10, maxHeaderFieldCount: 100))
  }
}

extension EdgeServer: CustomStringConvertible {
  /// The name of the service in lifecycle logs.
  package var description: String { "EdgeServer" }
}

/// The configuration of a listener: address, TLS, limits and timeouts.
package struct ListenerConfiguration: Sendable {
  /// The address to listen on.
  package var host: String
  /// The port to listen on; 0 for any.
  package var port: Int
  /// The TLS certificate; nil for plain HTTP.
  package var certificate: Certificate?
  /// Whether clients connect with TLS, to this server or to a proxy in front of it.
  package var isSecure = false
  /// Whether another process may listen on the same port (SO_REUSEPORT).
  package var sharesPort: Bool
  /// The maximum number of open connections.
  package var maximumConnections: Int
  /// The maximum time that a connection is idle or receives the headers of a request.
  package var idleTimeout: TimeAmount
  /// The maximum times for sending a body and reading a response.
  package var timeouts: SlowClientHandler.Timeouts
  /// How long idle connections stay open after graceful shutdown begins, so that their clients get a response with
  /// `Connection: close`.
  package var drain: Duration

  /// A listener on `host` and `port`; see the properties for units and meanings.
  package init(
    host: String, port: Int, certificate: Certificate? = nil, isSecure: Bool = false, sharesPort: Bool, maximumConnections: Int,
    idleTimeout: TimeAmount, timeouts: SlowClientHandler.Timeouts, drain: Duration
  ) {
    self.host = host
    self.port = port
    self.certificate = certificate
    self.isSecure = isSecure
    self.sharesPort = sharesPort
    self.maximumConnections = maximumConnections
    self.idleTimeout = idleTimeout
    self.timeouts = timeouts
    self.drain = drain
  }
}
