import CKafka

/// An error of a Kafka client: the action that failed, with its topic and brokers, the reason, and whether a retry can help.
public struct KafkaError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The name of a librdkafka error (`_MSG_TIMED_OUT`, `NOT_LEADER_FOR_PARTITION`, …), or one of the codes of this module. A leading
  /// underscore marks errors that librdkafka itself raises, not the broker.
  public struct Code: RawRepresentable, Sendable, Hashable {
    /// The name.
    public let rawValue: String

    /// Creates the code with this name.
    public init(rawValue: String) {
      self.rawValue = rawValue
    }

    /// The client was shut down.
    public static let closed = Code(rawValue: "CLOSED")
    /// ``RequestReply`` has reached its limit of pending requests.
    public static let tooManyPending = Code(rawValue: "TOO_MANY_PENDING")
    /// ``RequestReply`` does not yet know its partition for replies.
    public static let notReady = Code(rawValue: "NOT_READY")
    /// A request with the same correlation id is pending.
    public static let duplicateCorrelationID = Code(rawValue: "DUPLICATE_CORRELATION_ID")
    /// A property of ``KafkaConfiguration`` is unknown or has an invalid value.
    public static let configuration = Code(rawValue: "CONFIGURATION")
    /// No broker answered in time.
    public static let timedOut = Code(rawValue: "_TIMED_OUT")
    /// A message was not acknowledged within the producer's delivery timeout.
    public static let messageTimedOut = Code(rawValue: "_MSG_TIMED_OUT")
    /// The message is larger than the client or the topic accepts.
    public static let messageTooLarge = Code(rawValue: "MSG_SIZE_TOO_LARGE")
    /// Another process joined the group under the same instance id.
    public static let fencedInstanceID = Code(rawValue: "FENCED_INSTANCE_ID")
  }

  /// The action that failed: `produce`, `commit offsets`, ….
  public var action: String
  /// The kind of error.
  public var code: Code
  /// The reason, in plain text.
  public var reason: String
  /// The brokers that the client was configured with.
  public var brokers: String
  /// The topic, if the action concerned one.
  public var topic: String?
  /// The partition, if the action concerned one.
  public var partition: Int32?
  /// Whether the same call may succeed later.
  public var isRetriable: Bool
  /// Whether the client that raised it is unusable.
  public var isFatal: Bool
  /// Whether a failed message is certainly not on the topic, and never will be.
  public var isNotPersisted = false
  /// The indices of the failed messages among those of the call.
  public var failedIndices: [Int] = []

  /// The complete error message, with advice if there is any.
  public var description: String {
    var text = "cannot \(action)"
    if let topic { text += " on topic '\(topic)'" }
    if let partition, partition >= 0 { text += " partition \(partition)" }
    text += " at \(brokers): \(reason) (\(code.rawValue)\(isFatal ? ", fatal" : isRetriable ? ", retriable" : ""))"
    if failedIndices.count > 1 { text += "; \(failedIndices.count) messages" }
    if let advice { text += ". \(advice)" }
    return text
  }
}

extension KafkaError {
  /// Whether the topic, or the partition, does not exist.
  public var isAboutMissingTopic: Bool { Self.missingTopic.contains(code.rawValue) }

  private static let missingTopic = Set(["UNKNOWN_TOPIC_OR_PART", "_UNKNOWN_TOPIC", "_UNKNOWN_PARTITION"])

  /// Whether a consumer group rejected the offsets because it has members, or is being rebalanced.
  public var isAboutMembers: Bool { Self.aboutMembers.contains(code) }

  private static let aboutMembers = Set(
    [RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID, RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION, RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS].map { Code($0) })

  /// What to do about the error, if that is not obvious.
  private var advice: String? {
    code == .fencedInstanceID
      ? "Another process has joined under the same instance id: give each process of a service a replica number of its own" : nil
  }

  /// Whether the client or the broker rejects the message itself, permanently: it is too large or malformed. Missing permissions and topics are
  /// not of this kind, since an operator can repair them while the message waits.
  public var isAboutMessage: Bool { Self.aboutMessage.contains(code) }

  private static let aboutMessage = Set(
    [
      RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE, RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE,
      RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP, RD_KAFKA_RESP_ERR_INVALID_RECORD, RD_KAFKA_RESP_ERR_POLICY_VIOLATION,
      RD_KAFKA_RESP_ERR__INVALID_ARG,
    ].map { Code($0) })

  /// Creates an error from a librdkafka code.
  init(
    _ code: rd_kafka_resp_err_t, action: String, brokers: String, topic: String? = nil, partition: Int32? = nil,
    reason: String? = nil, isFatal: Bool = false
  ) {
    self.init(
      action: action, code: Code(code), reason: reason ?? String(cString: rd_kafka_err2str(code)), brokers: brokers, topic: topic,
      partition: partition, isRetriable: !isFatal && Self.retriable.contains(code.rawValue), isFatal: isFatal)
  }

  /// Creates an error with a code of this module.
  init(own code: Code, action: String, brokers: String, topic: String? = nil, reason: String, isRetriable: Bool) {
    self.init(
      action: action, code: code, reason: reason, brokers: brokers, topic: topic, partition: nil, isRetriable: isRetriable,
      isFatal: false)
  }

  /// The error of a client that was shut down.
  static func closed(action: String, brokers: String) -> KafkaError {
    KafkaError(own: .closed, action: action, brokers: brokers, reason: "the client was shut down", isRetriable: false)
  }

  /// Temporary errors: unavailable brokers, moving leaders and coordinators, topics that are being created, timeouts.
  private static let retriable = Set(
    [
      RD_KAFKA_RESP_ERR__TRANSPORT, RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, RD_KAFKA_RESP_ERR__RESOLVE, RD_KAFKA_RESP_ERR__TIMED_OUT,
      RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE, RD_KAFKA_RESP_ERR__MSG_TIMED_OUT, RD_KAFKA_RESP_ERR__QUEUE_FULL, RD_KAFKA_RESP_ERR__WAIT_COORD,
      RD_KAFKA_RESP_ERR__WAIT_CACHE, RD_KAFKA_RESP_ERR__IN_PROGRESS, RD_KAFKA_RESP_ERR__RETRY, RD_KAFKA_RESP_ERR__PURGE_QUEUE,
      RD_KAFKA_RESP_ERR__PURGE_INFLIGHT, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE,
      // A missing topic is created again; see `TopicMonitor`.
      RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION,
      RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT, RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE,
      RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE, RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION, RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS,
      RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE, RD_KAFKA_RESP_ERR_NOT_COORDINATOR, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
      RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND, RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR,
      RD_KAFKA_RESP_ERR_NOT_CONTROLLER, RD_KAFKA_RESP_ERR_THROTTLING_QUOTA_EXCEEDED,
    ].map(\.rawValue))
}

extension KafkaError.Code {
  init(_ code: rd_kafka_resp_err_t) {
    self.init(rawValue: String(cString: rd_kafka_err2name(code)))
  }
}
