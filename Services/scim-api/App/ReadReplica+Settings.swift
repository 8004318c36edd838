import EdgeHTTP
import Postgres
import ServiceKit

extension ReadReplica {
  /// How long a read waits for a connection to the replica before the primary runs it.
  private static let maximumWait = Duration.seconds(1)

  /// Creates the replica of the settings, which `/readyz` describes; nil if there is none.
  ///
  /// - Parameter searchConnections: The maximum number of connections for reads of a whole workspace.
  /// - Throws: `SettingsError`.
  convenience init?(_ runtime: ServiceRuntime, primary: PostgresPool, searchConnections: Int) throws {
    let settings = runtime.settings
    let maximumLag = try settings.duration(.readLagLimit)
    guard let url = settings.optionalString(.readURL), try settings.bool(.console) else { return nil }
    let pool = PostgresPool(
      PostgresConfiguration(
        url: url, connections: try settings.integer(.databaseConnections), applicationName: "\(runtime.memberID) replica",
        exclusiveConnections: searchConnections, maximumWait: Self.maximumWait, planning: .onceByIndex),
      logger: runtime.logger)
    self.init(pool: pool, primary: primary, maximumLag: maximumLag, logger: runtime.logger)
    runtime.health.addDetail("read replica") { [self] in problem.map { "not used: \($0)" } ?? "used" }
  }
}
