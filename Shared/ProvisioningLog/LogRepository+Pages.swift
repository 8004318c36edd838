import Foundation
import Models
import Postgres
import Primitives

extension LogRepository {
  /// The filter of a paged list. Each combination of conditions has its own index.
  public struct Filter: Sendable, Hashable {
    /// Whether to return failures only.
    public var failedOnly = false
    /// Return failures of this kind only.
    public var cause: Diagnosis.Cause?
    /// A `userName`, an email address, the `displayName` of a group, or the id of a user or group.
    public var subject: String?
    /// The earliest time of a request.
    public var since: Date?
    /// The time before which the requests were sent.
    public var until: Date?

    /// Creates a filter that selects all entries.
    public init() {}
  }

  /// Returns a page of entries, newest first.
  ///
  /// - Parameters:
  ///   - filter: The filter.
  ///   - last: The last entry of the previous page; nil for the first page.
  ///   - limit: The maximum number of entries.
  ///   - workspace: The workspace.
  /// - Throws: The error of a query; `MessageError` if an entry cannot be read.
  public func page(of filter: Filter, after last: LogEntryID?, limit: Int, in workspace: WorkspaceID) async throws -> [Listed] {
    let until = filter.until.map(Self.leastID).map { LogEntryID($0) } ?? LogEntryID(bytes: Array(repeating: 0xFF, count: 16))
    var parameters: [PostgresValue] = [
      .uuid(workspace.uuid), .uuid(Self.leastID(at: filter.since ?? .distantPast)), .uuid(min(until, last ?? until).uuid),
      .int(Int64(limit)),
    ]
    let kind = filter.cause.map(LogPageStatement.Kind.cause) ?? (filter.failedOnly ? .failed : .all)
    if case .cause(let cause) = kind { parameters.append(.text(cause.rawValue)) } else { parameters.append(.null) }
    if let subject = filter.subject {
      var ids = try await query(LogStatements.subjects, [.uuid(workspace.uuid), .text(ComparisonKey(subject).text)]).map { try $0.uuid(0) }
      if let id = ResourceID(subject) { ids.append(id.uuid) }
      parameters += [.textArray(Self.nameKeys(of: subject)), .uuidArray(ids)]
    }
    return try await query(LogPageStatement.statement(kind, ofSubject: filter.subject != nil), parameters).map { row in
      Listed(
        entry: try LogEntry(json: try row.bytes(0)), presentName: try row.optionalString(1),
        cause: try row.optionalString(2).flatMap(Diagnosis.Cause.init))
    }
  }
}

/// The statements that read a page of the log.
enum LogPageStatement {
  enum Kind: Hashable {
    case all, failed
    case cause(Diagnosis.Cause)

    var name: String {
      switch self {
      case .all: "all"
      case .failed: "failed"
      case .cause: "cause"
      }
    }

    /// The condition in addition to workspace and time.
    var condition: String {
      switch self {
      case .all: "$5::text is null"
      case .failed: "failed and $5::text is null"
      case .cause: "cause = $5"
      }
    }

    /// The condition if the index of the subject should be used: no index has the cause in this form.
    var conditionOfSubject: String {
      if case .cause = self { "failed and cause || '' = $5" } else { condition }
    }
  }

  private static let columns = "workspace_id, id, resource_id, entry, cause"

  static func statement(_ kind: Kind, ofSubject: Bool) -> Statement {
    let found = ofSubject ? entriesOfSubject(kind.conditionOfSubject) : entries(kind.condition)
    return Statement(
      "log part, \(kind.name)\(ofSubject ? " of a subject" : "")",
      """
      select l.entry, coalesce(u.user_name, g.display_name), l.cause
      from (
        \(found)
      ) l
      left join identity_read.users u on u.workspace_id = l.workspace_id and u.id = l.resource_id
      left join identity_read.groups g on g.workspace_id = l.workspace_id and g.id = l.resource_id
      order by l.id desc
      """)
  }

  private static func entries(_ condition: String) -> String {
    """
    select \(columns)
    from identity_read.provisioning_log
    where workspace_id = $1
    and id >= $2
    and id < $3
    and \(condition)
    order by id desc
    limit $4
    """
  }

  /// Selects entries by name and by each id, with one index look-up for each, and merges the results.
  private static func entriesOfSubject(_ condition: String) -> String {
    """
    select distinct on (id) \(columns)
    from (
      select called.*
      from unnest($6::text[]) as given (name)
      cross join lateral (
        select \(columns)
        from identity_read.provisioning_log
        where workspace_id = $1
        and name_key = given.name
        and id >= $2
        and id < $3
        and \(condition)
        order by id desc
        limit $4
      ) called
      union all
      select named.*
      from unnest($7::uuid[]) as subject (id)
      cross join lateral (
        select \(columns)
        from identity_read.provisioning_log
        where workspace_id = $1
        and resource_id = subject.id
        and id >= $2
        and id < $3
        and \(condition)
        order by id desc
        limit $4
      ) named
    ) found
    order by id desc
    limit $4
    """
  }
}
