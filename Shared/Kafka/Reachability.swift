import Logging

/// Whether the cluster answers, for a process's readiness.
public struct Reachability: Sendable {
  private let client: AdministrationClient

  /// - Throws: ``KafkaError`` where librdkafka refuses the configuration. No broker has to be there.
  public init(_ configuration: KafkaConfiguration, logger: Logger) throws {
    client = try AdministrationClient(configuration, logger: logger)
  }

  /// Asks a broker for the cluster's metadata.
  ///
  /// - Returns: nil where one answers within `timeout`, otherwise what is wrong.
  public func check(timeout: Duration = .seconds(2)) async -> String? {
    do {
      _ = try await DedicatedThread.run("kafka-reachability") { [client] in
        try client.handle.partitions(action: "reach a broker", timeout: timeout)
      }
      client.forgetFailures()
      return nil
    } catch {
      return client.causeOfFailure().map { "\(error): \($0)" } ?? "\(error)"
    }
  }
}
