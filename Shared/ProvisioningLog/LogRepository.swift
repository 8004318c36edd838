import Foundation
import Models
import Postgres
import Primitives

/// Reads the provisioning log through the views in `identity_read`; used by scimctl and the admin console.
public struct LogRepository: Sendable {
  /// Runs a statement with parameters.
  public typealias Query = @Sendable (Statement, [PostgresValue]) async throws -> Rows

  let query: Query

  /// Creates a repository that runs its statements with `query`.
  public init(query: @escaping Query) {
    self.query = query
  }

  /// The filter of ``entries(_:in:)``.
  public struct Selection: Sendable, Hashable {
    /// Whether to return failures only.
    public var failedOnly = false
    /// A `userName`, an email address, the `displayName` of a group, or the id of a user or group.
    public var subject: String?
    /// The HTTP statuses.
    public var status: ClosedRange<Int>?
    /// The earliest time of a request.
    public var since: Date?
    /// The maximum number of entries.
    public var limit = 50

    /// Creates a selection of the latest entries.
    public init() {}
  }

  /// An entry with the current name of its user or group.
  public struct Listed: Sendable, Hashable {
    /// The entry.
    public var entry: LogEntry
    /// The current name; nil if the resource does not exist.
    public var presentName: String?
    /// The kind of failure at the time of the request; nil if it succeeded, and for entries of earlier versions.
    public var cause: Diagnosis.Cause?

    /// Creates a listed entry.
    public init(entry: LogEntry, presentName: String? = nil, cause: Diagnosis.Cause? = nil) {
      self.entry = entry
      self.presentName = presentName
      self.cause = cause
    }
  }

  /// Returns the latest selected entries, oldest first.
  ///
  /// - Throws: The error of a query; `MessageError` if an entry cannot be read.
  public func entries(_ selection: Selection, in workspace: WorkspaceID) async throws -> [Listed] {
    var ids: [UUID] = []
    if let subject = selection.subject {
      ids = try await query(LogStatements.subjects, [.uuid(workspace.uuid), .text(ComparisonKey(subject).text)]).map { try $0.uuid(0) }
      if let id = ResourceID(subject) { ids.append(id.uuid) }
    }
    let rows = try await query(
      LogStatements.entries,
      [
        .uuid(workspace.uuid), .uuid(Self.leastID(at: selection.since ?? .distantPast)), .bool(selection.failedOnly),
        .int(Int64(selection.status?.lowerBound ?? 0)), .int(Int64(selection.status?.upperBound ?? 999)),
        .optional(selection.subject.map(Self.nameKeys), PostgresValue.textArray), .uuidArray(ids), .int(Int64(selection.limit)),
      ])
    return try rows.map { row in Listed(entry: try LogEntry(json: try row.bytes(0)), presentName: try row.optionalString(1)) }.reversed()
  }

  /// Returns the entry with this id; nil if there is none.
  ///
  /// - Throws: The error of the query; `MessageError` if the entry cannot be read.
  public func entry(_ id: LogEntryID, in workspace: WorkspaceID) async throws -> LogEntry? {
    try await query(LogStatements.entry, [.uuid(workspace.uuid), .uuid(id.uuid)]).first.map { try LogEntry(json: try $0.bytes(0)) }
  }

  /// The keys under which entries name `subject`: its comparison key, and the key of entries of earlier versions.
  static func nameKeys(of subject: String) -> [String?] {
    var keys: [String?] = [ComparisonKey(subject).text]
    if let former = ComparisonKey.former(of: subject) { keys.append(former) }
    return keys
  }

  /// The smallest possible id of an entry at this time.
  static func leastID(at time: Date) -> UUID {
    let milliseconds = UInt64(max(0, time.timeIntervalSince1970 * 1000))
    return LogEntryID(bytes: stride(from: 40, through: 0, by: -8).map { UInt8(truncatingIfNeeded: milliseconds >> UInt64($0)) }).uuid
  }
}
