import CKafka
import Foundation
import Synchronization

/// Delays fetches after empty responses: a workaround for brokers that do not implement `fetch.wait.max.ms` and `fetch.min.bytes`, such as the
/// local broker, and would be polled without a pause.
///
/// The delay blocks librdkafka's broker thread, so it is only used with ``KafkaConfiguration/pausesEmptyFetches``. Apache Kafka does not need it.
final class EmptyFetchDelay: Sendable {
  private struct State {
    /// The size of the latest fetch request to each broker.
    var requested: [Int32: Int] = [:]
    /// The smallest response to fetch requests of each size.
    var smallest: [Int: Int] = [:]
    var emptyInARow = 0
  }

  private let state = Mutex(State())
  private let interval: Duration
  /// Responses of at least this many bytes are not delayed by the interval.
  private let largeResponse: Int

  /// Responses slower than this are treated as long polls.
  private static let longPollThreshold = Duration.milliseconds(20)
  /// The delay after an empty response: short for about a tenth of a second, then long, and after about two seconds even longer. Only an idle
  /// consumer notices a message late.
  private static let shortDelay = Duration.milliseconds(1)
  private static let shortDelays = 80
  private static let longDelay = Duration.milliseconds(5)
  private static let longDelays = 400
  private static let idleDelay = Duration.milliseconds(15)
  /// The idle delay of a consumer with an interval, after as many empty responses as take about two seconds without one.
  private static let idleInterval = Duration.milliseconds(50)
  /// The maximum number of request sizes. There is one per combination of topics and partitions, so few.
  private static let maximumSizes = 1000

  /// - Parameters:
  ///   - interval: The delay after each small response, empty or not; zero to delay only after empty ones.
  ///   - largeResponse: The size in bytes from which on a response is not small.
  init(interval: Duration = .zero, largeResponse: Int = 64 << 10) {
    self.interval = interval
    self.largeResponse = largeResponse
  }

  /// Records a fetch request. librdkafka has one in flight per broker.
  func recordRequest(_ size: Int, to broker: Int32) {
    state.withLock { $0.requested[broker] = size }
  }

  /// The delay before the next fetch.
  ///
  /// Requests and responses name topics and partitions. Therefore empty responses to requests of one size have one size, too, and responses with
  /// messages are larger.
  ///
  /// - Parameters:
  ///   - size: The size of the response in bytes.
  ///   - time: The time from the request to the response.
  func delay(afterResponseOf size: Int, from broker: Int32, in time: Duration) -> Duration {
    let emptyInARow = countEmpty(size, from: broker, in: time)
    if interval > .zero {
      if size >= largeResponse { return .zero }
      return emptyInARow > Self.shortDelays ? max(interval, Self.idleInterval) : interval
    }
    return switch emptyInARow {
    case 0: .zero
    case ...Self.shortDelays: Self.shortDelay
    case ...(Self.shortDelays + Self.longDelays): Self.longDelay
    default: Self.idleDelay
    }
  }

  /// The number of empty responses since the last that was not empty.
  private func countEmpty(_ size: Int, from broker: Int32, in time: Duration) -> Int {
    state.withLock { state in
      guard let requested = state.requested[broker] else { return 0 }
      let smallest = state.smallest[requested]
      if smallest.map({ size < $0 }) ?? true {
        if state.smallest.count >= Self.maximumSizes { state.smallest = [:] }
        state.smallest[requested] = size
      }
      state.emptyInARow = size == smallest && time < Self.longPollThreshold ? state.emptyInARow + 1 : 0
      return state.emptyInARow
    }
  }
}

extension EmptyFetchDelay {
  /// Adds the delay to the clients that are created with `conf`, on the thread that fetches.
  ///
  /// librdkafka's documentation asks interceptors not to block the broker thread. Here the thread has nothing else to do.
  static func add(to conf: OpaquePointer, opaque: UnsafeMutableRawPointer) {
    rd_kafka_conf_interceptor_add_on_new(
      conf, "empty-fetch-delay",
      { client, _, opaque, _, _ in
        rd_kafka_interceptor_add_on_request_sent(
          client, "empty-fetch-delay",
          { _, _, _, broker, request, _, _, size, opaque in
            guard request == EmptyFetchDelay.fetch, let opaque else { return RD_KAFKA_RESP_ERR_NO_ERROR }
            Unmanaged<EmptyFetchDelay>.fromOpaque(opaque).takeUnretainedValue().recordRequest(size, to: broker)
            return RD_KAFKA_RESP_ERR_NO_ERROR
          }, opaque)
        return rd_kafka_interceptor_add_on_response_received(
          client, "empty-fetch-delay",
          { _, _, _, broker, request, _, _, size, time, code, opaque in
            guard request == EmptyFetchDelay.fetch, code == RD_KAFKA_RESP_ERR_NO_ERROR, let opaque else {
              return RD_KAFKA_RESP_ERR_NO_ERROR
            }
            let delayer = Unmanaged<EmptyFetchDelay>.fromOpaque(opaque).takeUnretainedValue()
            let delay = delayer.delay(afterResponseOf: size, from: broker, in: .microseconds(time))
            if delay > .zero { usleep(UInt32(delay / .microseconds(1))) }
            return RD_KAFKA_RESP_ERR_NO_ERROR
          }, opaque)
      }, opaque)
  }

  /// The API key of fetch requests in the Kafka protocol.
  private static let fetch: Int16 = 1
}
