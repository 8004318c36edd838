import NIOCore
import NIOHTTPTypes

/// Limits how long a client may take to send a request body (408) and to read a response (the connection is closed).
///
/// Together with the idle timeout, which covers the time up to the end of a request's headers, this bounds how long a client can occupy
/// memory. A request that arrives in one read starts no timer.
package final class SlowClientHandler: ChannelDuplexHandler, RemovableChannelHandler {
  /// HTTP parts of requests.
  package typealias InboundIn = HTTPRequestPart
  /// HTTP parts of requests.
  package typealias InboundOut = HTTPRequestPart
  /// HTTP parts of responses.
  package typealias OutboundIn = HTTPResponsePart
  /// HTTP parts of responses.
  package typealias OutboundOut = HTTPResponsePart

  /// The timeouts and the minimum rate.
  package struct Timeouts: Sendable {
    /// The maximum time for the rest of a request after its headers.
    package var read: TimeAmount
    /// The maximum time for which the send buffer of the connection stays full.
    package var write: TimeAmount
    /// The minimum rate of a body in bytes per second, averaged over each `window`; 0 for no minimum.
    package var minimumRate = 0
    /// The time over which the rate is averaged.
    package var window = TimeAmount.seconds(10)

    /// Timeouts for the body of a request and for a response, and the minimum rate of a body in bytes per second.
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
  /// Whether a body is being received.
  private var isReading = false
  private var readTimer: Scheduled<Void>?
  private var rateTimer: Scheduled<Void>?
  private var writeTimer: Scheduled<Void>?
  /// The bytes received in the current window, and how long the server was ready to read. While it does not read, the client cannot send.
  private var received = 0
  private var waited = TimeAmount.zero
  private var waitingSince: NIODeadline?
  /// The number of requests that have started to arrive and have no complete response.
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

  /// Records since when the server waits for data.
  package func read(context: ChannelHandlerContext) {
    if waitingSince == nil { waitingSince = context.eventLoop.now }
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

  /// Closes the connection after the response to a timed-out request.
  package func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    if case .end = unwrapOutboundIn(data) { unanswered -= 1 }
    context.write(data, promise: promise)
    // The rest of the body may never arrive, so the client gets a short time to read the response.
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
    if let start = waitingSince { waited = waited + (now - start) }
    waitingSince = nil
  }

  private func beginWindow(_ context: ChannelHandlerContext) {
    received = 0
    waited = .zero
    guard timeouts.minimumRate > 0 else { return }
    rateTimer = scheduled(in: timeouts.window, context) { $0.endWindow($1) }
  }

  private func endWindow(_ context: ChannelHandlerContext) {
    let now = context.eventLoop.now
    let isWaiting = waitingSince != nil
    endWait(at: now)
    if isWaiting { waitingSince = now }
    let seconds = Double(waited.nanoseconds) / 1e9
    if Double(received) < Double(timeouts.minimumRate) * seconds { endRequest(context) } else { beginWindow(context) }
  }

  /// Ends the request body with an error that results in 408; closes the connection if all requests have their responses.
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
