import CKafka
import Logging

/// The callbacks of a client. librdkafka retains them as long as the client exists.
final class ClientCallbacks: Sendable {
  let logger: Logger
  /// Used only if ``KafkaConfiguration/pausesEmptyFetches`` is set.
  let emptyFetchDelay: EmptyFetchDelay
  /// Called with errors that concern the client as a whole, on the polling thread.
  let failed: @Sendable (rd_kafka_resp_err_t, String) -> Void
  /// Called with the delivery report of each message, on the polling thread.
  let delivered: (@Sendable (OpaquePointer, UnsafePointer<rd_kafka_message_t>) -> Void)?
  /// Called with assigned and revoked partitions, on the polling thread.
  let rebalanced: (@Sendable (OpaquePointer, rd_kafka_resp_err_t, UnsafeMutablePointer<rd_kafka_topic_partition_list_t>) -> Void)?

  init(
    logger: Logger, emptyFetchDelay: EmptyFetchDelay = EmptyFetchDelay(),
    failed: @escaping @Sendable (rd_kafka_resp_err_t, String) -> Void,
    delivered: (@Sendable (OpaquePointer, UnsafePointer<rd_kafka_message_t>) -> Void)? = nil,
    rebalanced: (
      @Sendable (OpaquePointer, rd_kafka_resp_err_t, UnsafeMutablePointer<rd_kafka_topic_partition_list_t>) -> Void
    )? = nil
  ) {
    self.logger = logger
    self.emptyFetchDelay = emptyFetchDelay
    self.failed = failed
    self.delivered = delivered
    self.rebalanced = rebalanced
  }

  fileprivate static func of(_ opaque: UnsafeMutableRawPointer?) -> ClientCallbacks? {
    opaque.map { Unmanaged<ClientCallbacks>.fromOpaque($0).takeUnretainedValue() }
  }
}

/// Owns one librdkafka client.
///
/// `@unchecked Sendable`: librdkafka's functions may be called on a client from any thread, and the pointer is freed only when this object is
/// deallocated.
final class ClientHandle: @unchecked Sendable {
  let pointer: OpaquePointer
  let brokers: String
  private let callbacks: Unmanaged<ClientCallbacks>

  /// Creates a client with the shared configuration, overridden by `properties`.
  ///
  /// - Throws: ``KafkaError`` with ``KafkaError/Code/configuration`` if librdkafka rejects a property.
  init(
    _ type: rd_kafka_type_t, _ configuration: KafkaConfiguration, properties: [String: String], callbacks: ClientCallbacks
  ) throws(KafkaError) {
    brokers = configuration.bootstrapServers
    let conf = rd_kafka_conf_new()
    var text = [CChar](repeating: 0, count: 512)
    func configurationError(_ property: String?) -> KafkaError {
      let reason = text.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
      return KafkaError(
        own: .configuration, action: property.map { "set the property '\($0)'" } ?? "make a client",
        brokers: configuration.bootstrapServers, reason: reason, isRetriable: false)
    }
    for (name, value) in configuration.properties(for: properties).sorted(by: { $0.key < $1.key }) {
      guard rd_kafka_conf_set(conf, name, value, &text, text.count) == RD_KAFKA_CONF_OK else {
        rd_kafka_conf_destroy(conf)
        throw configurationError(name)
      }
    }
    // Released in deinit, after librdkafka's threads have ended, or below if no client is created.
    self.callbacks = Unmanaged.passRetained(callbacks)
    rd_kafka_conf_set_opaque(conf, self.callbacks.toOpaque())
    // Retained by the callbacks.
    if let conf, type == RD_KAFKA_CONSUMER, configuration.pausesEmptyFetches {
      EmptyFetchDelay.add(to: conf, opaque: Unmanaged.passUnretained(callbacks.emptyFetchDelay).toOpaque())
    }
    rd_kafka_conf_set_log_cb(conf) { client, level, facility, text in
      guard let client, let facility, let text, let callbacks = ClientCallbacks.of(rd_kafka_opaque(client)) else { return }
      callbacks.logger.log(level: level, facility: String(cString: facility), text: String(cString: text))
    }
    rd_kafka_conf_set_error_cb(conf) { _, code, reason, opaque in
      guard let callbacks = ClientCallbacks.of(opaque) else { return }
      callbacks.failed(rd_kafka_resp_err_t(rawValue: code), reason.map { String(cString: $0) } ?? "")
    }
    if callbacks.delivered != nil {
      rd_kafka_conf_set_dr_msg_cb(conf) { client, message, opaque in
        guard let client, let message else { return }
        ClientCallbacks.of(opaque)?.delivered?(client, message)
      }
    }
    if callbacks.rebalanced != nil {
      rd_kafka_conf_set_rebalance_cb(conf) { client, code, partitions, opaque in
        guard let client, let partitions else { return }
        ClientCallbacks.of(opaque)?.rebalanced?(client, code, partitions)
      }
    }
    guard let pointer = rd_kafka_new(type, conf, &text, text.count) else {
      rd_kafka_conf_destroy(conf)
      self.callbacks.release()
      throw configurationError(nil)
    }
    self.pointer = pointer
  }

  deinit {
    // Blocks until librdkafka's threads have ended, so it runs on its own thread.
    nonisolated(unsafe) let pointer = pointer
    let callbacks = callbacks
    DedicatedThread.start("kafka-destroy") {
      rd_kafka_destroy(pointer)
      callbacks.release()
    }
  }

  /// Whether the client had a fatal error.
  var hasFatalError: Bool { rd_kafka_fatal_error(pointer, nil, 0) != RD_KAFKA_RESP_ERR_NO_ERROR }

  /// The fatal error of the client, if any.
  func fatalError(action: String) -> KafkaError? {
    var text = [CChar](repeating: 0, count: 512)
    let code = rd_kafka_fatal_error(pointer, &text, text.count)
    guard code != RD_KAFKA_RESP_ERR_NO_ERROR else { return nil }
    let reason = text.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } }
    return KafkaError(code, action: action, brokers: brokers, reason: reason, isFatal: true)
  }
}

extension Logger {
  /// Logs a line of librdkafka's log. The error callback reports failed connections, so their lines are logged at debug level.
  fileprivate func log(level: Int32, facility: String, text: String) {
    let level: Logger.Level =
      switch (facility, level) {
      case ("FAIL", _), ("ERROR", _), ("CONFWARN", _): .debug
      case (_, ...2): .error
      case (_, ...4): .warning
      case (_, 5): .notice
      case (_, 6): .info
      default: .debug
      }
    log(level: level, "\(text)", metadata: ["kafka.facility": "\(facility)"])
  }
}
