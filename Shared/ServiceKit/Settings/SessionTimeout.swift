import Kafka

/// How long the group waits for a replica that is away, and what that has to fit.
public enum SessionTimeout {
  /// How long it takes at most, after the timeout, until the other replicas read the partitions.
  public static let rebalance = Duration.seconds(5)
  /// What brokers allow if nobody changed `group.min.session.timeout.ms` and `group.max.session.timeout.ms`.
  static let allowed = Duration.seconds(6)...Duration.seconds(1800)
}

extension ServiceSettings {
  /// How to reach Kafka, as the client `clientID`.
  ///
  /// - Throws: ``SettingsError``.
  public func kafka(clientID: String) throws(SettingsError) -> KafkaConfiguration {
    KafkaConfiguration(
      bootstrapServers: try string(.kafka), clientID: clientID, properties: try pairs(.kafkaProperties),
      pausesEmptyFetches: try bool(.pauseEmptyFetches))
  }

  /// The session timeout that is in force: librdkafka's own property wins.
  ///
  /// - Throws: ``SettingsError`` where brokers would refuse it, or it contradicts the heartbeat's interval.
  public var sessionTimeout: Duration {
    get throws(SettingsError) {
      let properties = try pairs(.kafkaProperties)
      var timeout = try duration(.sessionTimeout)
      var name = Setting.sessionTimeout.environmentName
      if let text = properties["session.timeout.ms"] {
        guard let milliseconds = Int(text) else { throw SettingsError(["session.timeout.ms must be a number of milliseconds"]) }
        timeout = .milliseconds(milliseconds)
        name = "session.timeout.ms in \(Setting.kafkaProperties.environmentName)"
      }
      guard SessionTimeout.allowed.contains(timeout) else {
        throw SettingsError([
          "\(name) must be from \(SessionTimeout.allowed.lowerBound) to \(SessionTimeout.allowed.upperBound), but is \(timeout)"
        ])
      }
      if let text = properties["heartbeat.interval.ms"], let milliseconds = Int(text), Duration.milliseconds(milliseconds) * 3 > timeout {
        throw SettingsError([
          "heartbeat.interval.ms in \(Setting.kafkaProperties.environmentName) must be at most a third of \(name), which is \(timeout)"
        ])
      }
      return timeout
    }
  }

  /// Checks that a write outlives the loss of a replica: its partitions are read by another one before the deadline.
  ///
  /// - Throws: ``SettingsError`` where the session timeout leaves too little of `deadline`.
  public func checkSessionTimeout(against deadline: Setting) throws(SettingsError) {
    let (timeout, limit) = (try sessionTimeout, try duration(deadline))
    guard timeout + SessionTimeout.rebalance > limit else { return }
    throw SettingsError([
      """
      \(deadline.environmentName) (\(deadline.key)) is \(limit), but identity-store's partitions move only after \
      \(Setting.sessionTimeout.environmentName) (\(timeout)) and up to \(SessionTimeout.rebalance) more: writes would be refused whenever a \
      replica is lost. Raise the one to \(timeout + SessionTimeout.rebalance) or more, or lower the other.
      """
    ])
  }
}
