import Kafka

/// The limits of the session timeout of consumers.
public enum SessionTimeout {
  /// The maximum time from the timeout until other replicas read the partitions.
  public static let rebalance = Duration.seconds(5)
  /// The range that brokers accept with default `group.min.session.timeout.ms` and `group.max.session.timeout.ms`.
  static let allowed = Duration.seconds(6)...Duration.seconds(1800)
}

extension ServiceSettings {
  /// The Kafka configuration for the client `clientID`.
  ///
  /// - Throws: ``SettingsError``.
  public func kafka(clientID: String) throws(SettingsError) -> KafkaConfiguration {
    KafkaConfiguration(
      bootstrapServers: try string(.kafka), clientID: clientID, properties: try pairs(.kafkaProperties),
      pausesEmptyFetches: try bool(.pauseEmptyFetches))
  }

  /// The session timeout of consumers; the librdkafka property takes precedence over the setting.
  ///
  /// - Throws: ``SettingsError`` if brokers reject it, or it is shorter than three heartbeat intervals.
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

  /// Checks that after the loss of a replica, another one reads its partitions before the deadline of waiting writes.
  ///
  /// - Throws: ``SettingsError`` if the session timeout and a rebalance exceed `deadline`.
  public func checkSessionTimeout(against deadline: Setting) throws(SettingsError) {
    let (timeout, limit) = (try sessionTimeout, try duration(deadline))
    guard timeout + SessionTimeout.rebalance > limit else { return }
    throw SettingsError([
      """
      \(deadline.environmentName) (\(deadline.key)) is \(limit), but identity-store's partitions move only after \
      \(Setting.sessionTimeout.environmentName) (\(timeout)) and up to \(SessionTimeout.rebalance) more: writes would be rejected when a replica \
      is lost. Raise the deadline to \(timeout + SessionTimeout.rebalance) or more, or lower the session timeout.
      """
    ])
  }
}
