import NIOCore
import NIOHTTPTypes

/// Ends the request of a client that takes too long to send its body, or sends it too slowly, with 408, and closes the connection of one
/// that takes too long to read a response.
///
/// Together with the idle timeout, which covers the time up to the end of a request's headers, this bounds how long a client can hold
/// on to memory here. A request that arrives whole costs no timer.
package final class SlowClientHandler: ChannelDuplexHandler, RemovableChannelHandler {
  /// HTTP parts of requests.
  package typealias InboundIn = HTTPRequestPart
  /// HTTP parts of requests.
  package typealias InboundOut = HTTPRequestPart
  /// HTTP parts of responses.
  package typealias OutboundIn = HTTPResponsePart
  /// HTTP parts of responses.
  package typealias OutboundOut = HTTPResponsePart

  /// How long clients may take.
  package struct Timeouts: Sendable {
    /// For the rest of a request after its headers.
    package var read: TimeAmount
    /// To read a response.
    package var write: TimeAmount
    /// The bytes a second that a body has to arrive with, on average over each `window`; 0 for as slowly as the client likes.
    package var minimumRate = 0
    /// Over which time the rate is averaged.
    package var window = TimeAmount.seconds(10)

    /// Timeouts of a connection.
    package init(read: TimeAmount, write: TimeAmount, minimumRate: Int = 0, window: TimeAmount = TimeAmount.seconds(10)) {
      self.read = read
      self.write = write
      self.minimumRate = minimumRate
      self.window = window
    }
  }

  /// The body of a request did not arrive in time.
  struct BodyTimeout: Error {}

  private let timeouts: Timeouts
  /// A body is on its way.
  private var isReading = false
  private var readTimer: Scheduled<Void>?
  private var rateTimer: Scheduled<Void>?
  private var writeTimer: Scheduled<Void>?
  /// In this window: what arrived, and how long the client was waited for. While this side reads nothing, the client cannot send.
  private var received = 0
  private var waited = TimeAmount.zero
  private var waitsSince: NIODeadline?
  /// Requests that have begun to arrive and are not answered to the end.
  private var unanswered = 0
  private var hasTimedOut = false

  init(_ timeouts: Timeouts) {
    self.timeouts = timeouts
  }

  /// Counts the bytes of a body.
  package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head:
      isReading = true
      unanswered += 1
    case .body(let part): received += part.readableBytes
    case .end:
      isReading = false
      if !hasTimedOut { cancelBodyTimers() }
    }
    context.fireChannelRead(data)
  }

  /// Notes since when the connection waits for the client.
  package func read(context: ChannelHandlerContext) {
    if waitsSince == nil { waitsSince = context.eventLoop.now }
    context.read()
  }

  /// Starts the timers of a body.
  package func channelReadComplete(context: ChannelHandlerContext) {
    endWait(at: context.eventLoop.now)
    if isReading, readTimer == nil, !hasTimedOut {
      readTimer = scheduled(in: timeouts.read, context) { $0.endRequest($1) }
      beginWindow(context)
    }
    context.fireChannelReadComplete()
  }

  /// Closes the connection of a timed-out request once it is answered.
  package func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    if case .end = unwrapOutboundIn(data) { unanswered -= 1 }
    context.write(data, promise: promise)
    // The rest of the body may never come: the client has a moment to read the answer.
    if hasTimedOut, unanswered == 0 { closeSoon(context) }
  }

  /// Starts or stops the timer of a response.
  package func channelWritabilityChanged(context: ChannelHandlerContext) {
    writeTimer?.cancel()
    writeTimer = context.channel.isWritable ? nil : scheduled(in: timeouts.write, context) { $1.close(promise: nil) }
    context.fireChannelWritabilityChanged()
  }

  /// Stops all timers.
  package func channelInactive(context: ChannelHandlerContext) {
    cancelTimers()
    context.fireChannelInactive()
  }

  /// Stops all timers.
  package func handlerRemoved(context: ChannelHandlerContext) {
    cancelTimers()
  }

  private func endWait(at now: NIODeadline) {
    if let start = waitsSince { waited = waited + (now - start) }
    waitsSince = nil
  }

  private func beginWindow(_ context: ChannelHandlerContext) {
    received = 0
    waited = .zero
    guard timeouts.minimumRate > 0 else { return }
    rateTimer = scheduled(in: timeouts.window, context) { $0.endWindow($1) }
  }

  private func endWindow(_ context: ChannelHandlerContext) {
    let now = context.eventLoop.now
    let isWaiting = waitsSince != nil
    endWait(at: now)
    if isWaiting { waitsSince = now }
    let seconds = Double(waited.nanoseconds) / 1e9
    if Double(received) < Double(timeouts.minimumRate) * seconds { endRequest(context) } else { beginWindow(context) }
  }

  /// Ends the request body with an error that is answered with 408; closes the connection if every request is answered.
  private func endRequest(_ context: ChannelHandlerContext) {
    hasTimedOut = true
    cancelBodyTimers()
    guard unanswered > 0 else { return context.close(promise: nil) }
    context.fireErrorCaught(BodyTimeout())
  }

  private func closeSoon(_ context: ChannelHandlerContext) {
    readTimer?.cancel()
    readTimer = scheduled(in: .seconds(2), context) { $1.close(promise: nil) }
  }

  private func scheduled(
    in time: TimeAmount, _ context: ChannelHandlerContext, _ action: @escaping (SlowClientHandler, ChannelHandlerContext) -> Void
  ) -> Scheduled<Void> {
    context.eventLoop.assumeIsolated().scheduleTask(in: time) { action(self, context) }
  }

  private func cancelBodyTimers() {
    readTimer?.cancel()
    readTimer = nil
    rateTimer?.cancel()
    rateTimer = nil
  }

  private func cancelTimers() {
    cancelBodyTimers()
    writeTimer?.cancel()
    writeTimer = nil
  }
}

@available(*, unavailable)
extension SlowClientHandler: Sendable {}
