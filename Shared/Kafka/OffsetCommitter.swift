import CKafka
import Synchronization

/// Commits offsets, and receives the outcomes on a dedicated thread, since the polling thread may be waiting for room in the buffer.
///
/// `@unchecked Sendable`: `queue` is only used by the thread and by `commit`, both while the consumer's handle is retained, and librdkafka's
/// queues may be used from any thread.
final class OffsetCommitter: @unchecked Sendable {
  private struct State {
    var isStopped = false
    var nextID = 1
    var pending: [Int: CheckedContinuation<rd_kafka_resp_err_t, any Error>] = [:]
  }

  private let handle: ClientHandle
  private let queue: OpaquePointer
  private let state = Mutex(State())

  init(_ handle: ClientHandle) {
    self.handle = handle
    queue = rd_kafka_queue_new(handle.pointer)
    DedicatedThread.start("kafka-commit") { self.serve() }
  }

  deinit {
    rd_kafka_queue_destroy(queue)
  }

  /// Commits offsets and returns librdkafka's result code.
  ///
  /// - Throws: ``KafkaError/Code/closed`` after ``stop()``; `CancellationError`.
  func commit(_ positions: [(TopicPartition, offset: Int64)]) async throws -> rd_kafka_resp_err_t {
    let id = state.withLock { state in
      defer { state.nextID += 1 }
      return state.nextID
    }
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        let isStopped = state.withLock { state in
          if state.isStopped || Task.isCancelled { return true }
          state.pending[id] = continuation
          return false
        }
        if isStopped {
          continuation.resume(throwing: Task.isCancelled ? CancellationError() : closed)
        } else {
          send(positions, id: id)
        }
      }
    } onCancel: {
      state.withLock { $0.pending.removeValue(forKey: id) }?.resume(throwing: CancellationError())
    }
  }

  /// Fails all pending commits and ends the thread.
  func stop() {
    let pending = state.withLock { state in
      defer { state.pending = [:] }
      state.isStopped = true
      return state.pending
    }
    rd_kafka_queue_yield(queue)
    for continuation in pending.values { continuation.resume(throwing: closed) }
  }

  private var closed: any Error { KafkaError.closed(action: "commit offsets", brokers: handle.brokers) }

  private func send(_ positions: [(TopicPartition, offset: Int64)], id: Int) {
    // The opaque is the id of the pending commit, so there is nothing to release.
    let opaque = UnsafeMutableRawPointer(bitPattern: id)
    let code = handle.withList(positions) { list in rd_kafka_commit_queue(handle.pointer, list, queue, nil, opaque) }
    if let code, code != RD_KAFKA_RESP_ERR_NO_ERROR { complete(id, code) }
  }

  private func serve() {
    while !state.withLock({ $0.isStopped }) {
      // An outcome or `stop()` ends the wait.
      guard let event = rd_kafka_queue_poll(queue, -1) else { continue }
      defer { rd_kafka_event_destroy(event) }
      guard rd_kafka_event_type(event) == RD_KAFKA_EVENT_OFFSET_COMMIT else { continue }
      let failed = rd_kafka_event_topic_partition_list(event)?.entries.first { $0.error != RD_KAFKA_RESP_ERR_NO_ERROR }
      let code = rd_kafka_event_error(event)
      complete(Int(bitPattern: rd_kafka_event_opaque(event)), code == RD_KAFKA_RESP_ERR_NO_ERROR ? failed?.error ?? code : code)
    }
  }

  private func complete(_ id: Int, _ code: rd_kafka_resp_err_t) {
    state.withLock { $0.pending.removeValue(forKey: id) }?.resume(returning: code)
  }
}
