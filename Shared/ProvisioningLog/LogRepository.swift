import Foundation
import Models
import Postgres
import Primitives

/// Reads the provisioning log through the views that are open to readers; for scimctl and the admin console alike.
public struct LogRepository: Sendable {
  public typealias Query = @Sendable (Statement, [PostgresValue]) async throws -> Rows

  let query: Query

  public init(query: @escaping Query) {
    self.query = query
  }

  /// Which entries are wanted.
  public struct Selection: Sendable, Hashable {
    public var failedOnly = false
    /// A userName, an email, the displayName of a group, or the id of either.
    public var subject: String?
    public var status: ClosedRange<Int>?
    /// Entries of requests from then on.
    public var since: Date?
    /// The most, the latest.
    public var limit = 50

    public init() {}
  }

  /// An entry with the name that its user or group has today.
  public struct Listed: Sendable, Hashable {
    public var entry: LogEntry
    public var presentName: String?
    /// What kind of failure it was when it was written; nil where nothing failed, and for entries from before that was kept.
    public var cause: Diagnosis.Cause?

    public init(entry: LogEntry, presentName: String? = nil, cause: Diagnosis.Cause? = nil) {
      self.entry = entry
      self.presentName = presentName
      self.cause = cause
    }
  }

  /// The latest entries that are wanted, in the order of time.
  ///
  /// - Throws: what the query throws; `MessageError` for an entry that cannot be read.
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

  /// The entry of that id; nil where there is none.
  public func entry(_ id: LogEntryID, in workspace: WorkspaceID) async throws -> LogEntry? {
    try await query(LogStatements.entry, [.uuid(workspace.uuid), .uuid(id.uuid)]).first.map { try LogEntry(json: try $0.bytes(0)) }
  }

  /// What entries are found by that name `subject`: its comparison key, and what entries from before there were such keys have.
  static func nameKeys(of subject: String) -> [String?] {
    var keys: [String?] = [ComparisonKey(subject).text]
    if let former = ComparisonKey.former(of: subject) { keys.append(former) }
    return keys
  }

  /// The least id that an entry of that time can have.
  static func leastID(at time: Date) -> UUID {
    let milliseconds = UInt64(max(0, time.timeIntervalSince1970 * 1000))
    return LogEntryID(bytes: stride(from: 40, through: 0, by: -8).map { UInt8(truncatingIfNeeded: milliseconds >> UInt64($0)) }).uuid
  }
}
