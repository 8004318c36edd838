import Models
import Postgres
import Synchronization

/// A cache of the custom domains of all workspaces, at most a second old.
///
/// All domains are in memory, so unknown hosts need neither a query nor memory. A refresh is one small query, at most twice per second and
/// only while there are requests.
package final class DomainCache: Sendable {
  /// The domains of all workspaces, and a version that rises with each change.
  struct Domains: Sendable, Equatable {
    var version: Int64
    var workspaces: [String: WorkspaceID]
  }

  /// Reads all domains; nil if their version is still `known`.
  typealias Read = @Sendable (_ known: Int64?) async throws -> Domains?

  private enum Entry: Hashable {
    case domains
  }

  private let recent = ExpiringCache<Entry, Domains>(maximumEntries: 1)
  private let last = Mutex<Domains?>(nil)
  private let read: Read

  /// A cache of the domains in the database.
  package convenience init(_ database: Database) {
    self.init(read: DomainLookup(database: database).domains)
  }

  init(read: @escaping Read) {
    self.read = read
  }

  /// The workspace with the custom domain `host`; nil if there is none.
  ///
  /// - Throws: the database's errors.
  package func workspace(of host: String) async throws -> WorkspaceID? {
    try await recent.value(of: .domains) {
      let known = last.withLock { $0 }
      guard let changed = try await read(known?.version) else { return known }
      last.withLock { $0 = changed }
      return changed
    }?.workspaces[host]
  }
}

/// Reads the domains of all workspaces.
struct DomainLookup: Sendable {
  let database: Database

  // One row without a domain if there are no domains, or no newer ones.
  private static let statement = Statement(
    "scim_api_domains",
    """
    select c.version, d.domain, d.workspace_id
    from identity_read.domain_changes c
    left join identity_read.domains d on c.version is distinct from $1::int8
    """)

  func domains(otherThan known: Int64?) async throws -> DomainCache.Domains? {
    let rows = try await database.query(Self.statement, [.optional(known, PostgresValue.int)])
    guard let version = try rows.first.map({ Int64(try $0.int(0)) }), version != known else { return nil }
    var domains = DomainCache.Domains(version: version, workspaces: [:])
    for row in rows {
      guard let domain = try row.optionalString(1), let workspace = try row.optionalUUID(2) else { continue }
      domains.workspaces[domain] = WorkspaceID(workspace)
    }
    return domains
  }
}
