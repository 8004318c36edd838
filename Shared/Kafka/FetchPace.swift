import CKafka
import Foundation
import Synchronization

/// Pauses after empty fetches: a workaround for brokers that do not implement `fetch.wait.max.ms` and `fetch.min.bytes`, such as the
/// local suite's, and would otherwise be asked again at once.
///
/// The pause holds up librdkafka's broker thread, so this is only used where ``KafkaConfiguration/pausesEmptyFetches`` says so. Apache Kafka
/// needs none of it.
final class FetchPace: Sendable {
  private struct State {
    /// How large each broker's latest fetch was.
    var asked: [Int32: Int] = [:]
    /// The smallest answer to fetches of each size.
    var smallest: [Int: Int] = [:]
    var emptyInARow = 0
  }

  private let state = Mutex(State())
  private let interval: Duration

  /// An answer that took this long was waited for.
  private static let early = Duration.milliseconds(20)
  /// The pause after an empty answer: short for as many as come in about a tenth of a second, and long from then on. Whoever was idle is
  /// slow to notice a message, and at work nobody is.
  private static let brief = Duration.milliseconds(1)
  private static let briefPauses = 80
  private static let long = Duration.milliseconds(5)
  /// Fetches come in as many sizes as there are sets of topics and partitions that are asked for together: few.
  private static let maximumSizes = 1000

  /// An answer of this many bytes is worth its fetch.
  private static let large = 64 << 10

  /// - Parameter interval: How long after an answer that is small the next fetch waits, whatever is in it.
  init(interval: Duration = .zero) {
    self.interval = interval
  }

  /// Notes a fetch. librdkafka has one under way at a broker.
  func sent(_ size: Int, to broker: Int32) {
    state.withLock { $0.asked[broker] = size }
  }

  /// How long to wait before the next fetch.
  ///
  /// A fetch names topics and partitions, and so does its answer: to fetches of one size, answers without messages are of one size, too,
  /// and those with messages are larger.
  ///
  /// - Parameters:
  ///   - size: The answer's size in bytes.
  ///   - time: From fetch to answer.
  func pause(afterAnswerOf size: Int, from broker: Int32, in time: Duration) -> Duration {
    guard interval == .zero else { return size < Self.large ? interval : .zero }
    return state.withLock { state in
      guard let asked = state.asked[broker] else { return .zero }
      let smallest = state.smallest[asked]
      if smallest.map({ size < $0 }) ?? true {
        if state.smallest.count >= Self.maximumSizes { state.smallest = [:] }
        state.smallest[asked] = size
      }
      guard size == smallest, time < Self.early else {
        state.emptyInARow = 0
        return .zero
      }
      state.emptyInARow += 1
      return state.emptyInARow > Self.briefPauses ? Self.long : Self.brief
    }
  }
}

extension FetchPace {
  /// Has the pauses made by every client that is made with `conf`, on the thread that fetches.
  ///
  /// librdkafka asks its interceptors not to block, since nothing else happens on a broker's thread meanwhile: here nothing else is due.
  static func add(to conf: OpaquePointer, opaque: UnsafeMutableRawPointer) {
    rd_kafka_conf_interceptor_add_on_new(
      conf, "fetch-pace",
      { client, _, opaque, _, _ in
        rd_kafka_interceptor_add_on_request_sent(
          client, "fetch-pace",
          { _, _, _, broker, request, _, _, size, opaque in
            guard request == FetchPace.fetch, let opaque else { return RD_KAFKA_RESP_ERR_NO_ERROR }
            Unmanaged<FetchPace>.fromOpaque(opaque).takeUnretainedValue().sent(size, to: broker)
            return RD_KAFKA_RESP_ERR_NO_ERROR
          }, opaque)
        return rd_kafka_interceptor_add_on_response_received(
          client, "fetch-pace",
          { _, _, _, broker, request, _, _, size, time, code, opaque in
            guard request == FetchPace.fetch, code == RD_KAFKA_RESP_ERR_NO_ERROR, let opaque else { return RD_KAFKA_RESP_ERR_NO_ERROR }
            let pace = Unmanaged<FetchPace>.fromOpaque(opaque).takeUnretainedValue()
            let pause = pace.pause(afterAnswerOf: size, from: broker, in: .microseconds(time))
            if pause > .zero { usleep(UInt32(pause / .microseconds(1))) }
            return RD_KAFKA_RESP_ERR_NO_ERROR
          }, opaque)
      }, opaque)
  }

  /// The number of the request in the Kafka protocol.
  private static let fetch: Int16 = 1
}
