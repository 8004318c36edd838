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

  /// Responses slower than this are treated as long polls.
  private static let longPollThreshold = Duration.milliseconds(20)
  /// The delay after an empty response: short for about a tenth of a second, then long. Only an idle consumer notices a message late.
  private static let shortDelay = Duration.milliseconds(1)
  private static let shortDelays = 80
  private static let longDelay = Duration.milliseconds(5)
  /// The maximum number of request sizes. There is one per combination of topics and partitions, so few.
  private static let maximumSizes = 1000

  /// Responses of at least this many bytes are not delayed.
  private static let largeResponse = 64 << 10

  /// - Parameter interval: The delay after each small response, empty or not; zero to delay only after empty ones.
  init(interval: Duration = .zero) {
    self.interval = interval
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
    guard interval == .zero else { return size < Self.largeResponse ? interval : .zero }
    return state.withLock { state in
      guard let requested = state.requested[broker] else { return .zero }
      let smallest = state.smallest[requested]
      if smallest.map({ size < $0 }) ?? true {
        if state.smallest.count >= Self.maximumSizes { state.smallest = [:] }
        state.smallest[requested] = size
      }
      guard size == smallest, time < Self.longPollThreshold else {
        state.emptyInARow = 0
        return .zero
      }
      state.emptyInARow += 1
      return state.emptyInARow > Self.shortDelays ? Self.longDelay : Self.shortDelay
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
