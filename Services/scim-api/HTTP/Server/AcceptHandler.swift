import NIOCore

/// Counts the connections that a listener accepts, and accepts no more once the server shuts down.
final class AcceptHandler: ChannelDuplexHandler {
  typealias InboundIn = any Channel
  typealias InboundOut = any Channel
  typealias OutboundIn = Never

  private let connections: OpenConnections

  init(_ connections: OpenConnections) {
    self.connections = connections
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    connections.accept()
    context.fireChannelRead(data)
  }

  func read(context: ChannelHandlerContext) {
    if !connections.isDraining { context.read() }
  }
}
