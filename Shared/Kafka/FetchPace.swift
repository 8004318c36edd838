import CKafka
import Foundation
import Synchronization

/// Slows a consumer down whose broker does not: one that answers a fetch without messages at once, rather than wait for some as
/// `fetch.wait.max.ms` says, would be asked again at once, and both sides would be busy with nothing.
///
/// Apache Kafka waits, so that it is never slowed down here; the small broker for trying things out does not.
final class FetchPace: Sendable {
  private struct State {
    /// The sizes of the latest answers, the latest last.
    var sizes: [Int] = []
    var emptyInARow = 0
  }

  private let state = Mutex(State())

  /// A fetch of two topics of three partitions begins with each partition in turn, so that one of the topics may stand in it twice: the sizes
  /// come again after six answers. No more are remembered, for messages as large as each other may come one at a time with some empty
  /// answers between them, and to take those for empty would hold them up: the pause comes before they are handed on.
  private static let rememberedAnswers = 6

  /// An answer that took this long was waited for.
  private static let early = Duration.milliseconds(20)
  /// What each empty answer adds to the pause. Whoever was idle for long is slow to notice a message, and at work nobody is.
  private static let step = Duration.microseconds(200)
  private static let longest = Duration.milliseconds(5)

  /// How long to wait before the next fetch.
  ///
  /// - Parameters:
  ///   - size: The answer's size in bytes. One as large as one of the last few is taken for empty, since answers without messages come in
  ///     few sizes. One with messages may happen to be as large; that holds it up for one step.
  ///   - time: From fetch to answer.
  func pause(afterAnswerOf size: Int, in time: Duration) -> Duration {
    state.withLock { state in
      let isKnown = state.sizes.contains(size)
      state.sizes.append(size)
      if state.sizes.count > Self.rememberedAnswers { state.sizes.removeFirst() }
      guard isKnown, time < Self.early else {
        state.emptyInARow = 0
        return .zero
      }
      state.emptyInARow += 1
      return min(Self.step * min(state.emptyInARow, 1000), Self.longest)
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
        rd_kafka_interceptor_add_on_response_received(
          client, "fetch-pace",
          { _, _, _, _, request, _, _, size, time, code, opaque in
            guard request == FetchPace.fetch, code == RD_KAFKA_RESP_ERR_NO_ERROR, let opaque else { return RD_KAFKA_RESP_ERR_NO_ERROR }
            let pace = Unmanaged<FetchPace>.fromOpaque(opaque).takeUnretainedValue()
            let pause = pace.pause(afterAnswerOf: size, in: .microseconds(time))
            if pause > .zero { usleep(UInt32(pause / .microseconds(1))) }
            return RD_KAFKA_RESP_ERR_NO_ERROR
          }, opaque)
      }, opaque)
  }

  /// The number of the request in the Kafka protocol.
  private static let fetch: Int16 = 1
}
