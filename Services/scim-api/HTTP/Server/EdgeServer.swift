import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOPosix
import NIOSSL
import ServiceLifecycle

/// Accepts connections and answers their requests until graceful shutdown, then finishes what is in flight.
///
/// Hummingbird's own server can neither share its port with another process (SO_REUSEPORT) nor tell clients of kept-alive
/// connections to leave before it closes them; a restart without a lost request needs both. Everything behind the socket is
/// Hummingbird's: connections (`HTTP1Channel`), requests, responses, routing.
package struct EdgeServer<Responder: HTTPResponder>: Service
where Responder.Context: InitializableFromSource<ApplicationRequestContextSource> {
  /// Responds to requests.
  package let responder: Responder
  /// How connections are accepted.
  package let configuration: ListenerConfiguration
  /// Where the server logs.
  package let logger: Logger
  /// Counts what is not HTTP, from an address; a refusal where there was too much from there.
  package var countMalformed: @Sendable (_ peer: String?) -> APIError? = { _ in nil }
  /// Called with the port that is listened on, once it is.
  var onListening: @Sendable (Int) -> Void = { _ in }

  /// A server that is not listening yet.
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
    let connection = connectionHandler(connections)
    let listener = try await bind(connection)
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
              await connection.handle(value: channel, logger: logger)
              connections.remove(channel.channel)
            }
          }
          // The listener is closed, so this is the shutdown.
          logger.info("no longer listening", metadata: ["connections": "\(connections.count)"])
          await connections.drain(within: configuration.drain)
        }
      }
    } onGracefulShutdown: {
      connections.startDraining()
      listener.channel.close(promise: nil)
    }
    logger.info("all connections are closed")
  }

  private func bind(_ connection: HTTP1Channel) async throws -> NIOAsyncChannel<HTTP1Channel.Value, Never> {
    let maximumConnections = configuration.maximumConnections
    let certificate = configuration.certificate
    return try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .serverChannelOption(.backlog, value: 4096)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .serverChannelOption(.socketOption(.init(rawValue: SO_REUSEPORT)), value: configuration.sharesPort ? 1 : 0)
      .childChannelOption(.allowRemoteHalfClosure, value: true)
      .serverChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(AvailableConnectionsChannelHandler(maxConnections: maximumConnections))
        }
      }
      .bind(host: configuration.host, port: configuration.port) { channel in
        guard let certificate else { return connection.setup(channel: channel, logger: logger) }
        return channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: certificate.context))
        }.flatMap { connection.setup(channel: channel, logger: logger) }
      }
  }

  /// Has the kernel give all new connections to this process, the last to listen on the port: so that one that leaves has none in its
  /// queue when it closes its socket, which would be reset.
  private func takeOver(_ channel: any Channel) async {
    guard let socket = channel as? any SocketOptionProvider else { return }
    do {
      try await NewestListener.select(on: socket)
    } catch {
      // The connections are spread over all that listen: a restart may then reset one.
      logger.warning("new connections cannot be taken over from another process on the port", metadata: ["error": "\(error)"])
    }
  }

  private func connectionHandler(_ connections: OpenConnections) -> HTTP1Channel {
    let date = HTTPDate()
    let configuration = configuration
    let security = SecurityHeaders(isSecure: configuration.isSecure)
    let countMalformed = countMalformed
    return HTTP1Channel(
      responder: { request, writer, channel in
        if request.headers[.expect]?.lowercased() == "100-continue" {
          try await writer.writeInformationalHead(HTTPResponse(status: .continue))
        }
        let context = Responder.Context(source: ApplicationRequestContextSource(channel: channel, logger: logger))
        var response = try await responder.respond(to: request, context: context)
        response.headers[.date] = date.text
        security.add(to: &response.headers)
        if connections.isDraining {
          // The connection is closed behind this response; the client opens its next one elsewhere.
          response.headers[.connection] = "close"
          channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
        }
        try await writer.write(response: response.head, body: response.body)
      },
      configuration: HTTP1Channel.Configuration(
        additionalChannelHandlers: [
          SlowClientHandler(configuration.timeouts),
          MalformedRequestHandler(headers: security, count: countMalformed),
        ],
        idleTimeout: configuration.idleTimeout,
        // A URL that is longer than may be, but not by much, is told so: see URLLengthMiddleware.
        httpDecoderConfiguration: .init(maxHeaderFieldSize: 16 << 10, maxHeaderListSize: 64 << 10, maxHeaderFieldCount: 100)))
  }
}

extension EdgeServer: CustomStringConvertible {
  /// How logs of the service's life call it.
  package var description: String { "EdgeServer" }
}

/// How connections are accepted, and how long clients may take.
package struct ListenerConfiguration: Sendable {
  /// The address to listen on.
  package var host: String
  /// The port to listen on; 0 for any.
  package var port: Int
  /// What TLS is spoken with; nil where it is not.
  package var certificate: Certificate?
  /// Whether clients come by TLS: here, or at a proxy in front.
  package var isSecure = false
  /// Whether another process may listen on the same port (SO_REUSEPORT): the kernel spreads connections over them.
  package var sharesPort: Bool
  /// The most open connections.
  package var maximumConnections: Int
  /// How long a connection may be without a request, or a request's headers may take.
  package var idleTimeout: TimeAmount
  /// How long clients may take to send a body and to read a response.
  package var timeouts: SlowClientHandler.Timeouts
  /// How long idle connections are kept after graceful shutdown began, so that their clients can learn of it with a response.
  package var drain: Duration

  /// A configuration of a listener.
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
