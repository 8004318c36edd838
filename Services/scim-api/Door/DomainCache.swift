import Models
import Postgres
import Synchronization

/// Finds whose domain a host is, in a copy of all workspaces' domains that is at most a second old.
///
/// All are held, so that a host that somebody made up costs no query, and takes no memory. A look whether they have changed is one small
/// query, made twice a second at most, and only while there are requests.
final class DomainCache: Sendable {
  /// Every workspace's domains, and the number of changes that led to them.
  struct Domains: Sendable, Equatable {
    var version: Int64
    var workspaces: [String: WorkspaceID]
  }

  /// Reads the domains where they are not those of the given version; nil where they are.
  typealias Read = @Sendable (_ known: Int64?) async throws -> Domains?

  private enum Whole: Hashable {
    case all
  }

  private let recent = ExpiringCache<Whole, Domains>(maximumEntries: 1)
  private let last = Mutex<Domains?>(nil)
  private let read: Read

  init(read: @escaping Read) {
    self.read = read
  }

  /// nil where it is nobody's; throws whatever the database throws.
  func workspace(of host: String) async throws -> WorkspaceID? {
    try await recent.value(of: .all) {
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

  // One row without a domain where there are none, or where they are those that are known.
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
