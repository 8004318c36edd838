import NIOCore
import NIOHTTPTypes

/// Closes the connection of a client that takes too long to send a request's body or to read a response.
///
/// Together with the idle timeout, which covers the time up to the end of a request's headers, this bounds how long a client can hold
/// on to memory here. A request that arrives whole costs no timer.
final class SlowClientHandler: ChannelDuplexHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPRequestPart
  typealias InboundOut = HTTPRequestPart
  typealias OutboundIn = HTTPResponsePart
  typealias OutboundOut = HTTPResponsePart

  private let readTimeout: TimeAmount
  private let writeTimeout: TimeAmount
  private var isReading = false
  private var readTimer: Scheduled<Void>?
  private var writeTimer: Scheduled<Void>?

  init(read: TimeAmount, write: TimeAmount) {
    readTimeout = read
    writeTimeout = write
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head: isReading = true
    case .body: break
    case .end:
      isReading = false
      readTimer?.cancel()
      readTimer = nil
    }
    context.fireChannelRead(data)
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    if isReading, readTimer == nil { readTimer = closing(context.channel, in: readTimeout) }
    context.fireChannelReadComplete()
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    writeTimer?.cancel()
    writeTimer = context.channel.isWritable ? nil : closing(context.channel, in: writeTimeout)
    context.fireChannelWritabilityChanged()
  }

  func channelInactive(context: ChannelHandlerContext) {
    cancelTimers()
    context.fireChannelInactive()
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    cancelTimers()
  }

  private func closing(_ channel: any Channel, in time: TimeAmount) -> Scheduled<Void> {
    channel.eventLoop.scheduleTask(in: time) { channel.close(promise: nil) }
  }

  private func cancelTimers() {
    readTimer?.cancel()
    readTimer = nil
    writeTimer?.cancel()
    writeTimer = nil
  }
}

@available(*, unavailable)
extension SlowClientHandler: Sendable {}
