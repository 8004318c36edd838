/// The prepared statements of a connection, with their names and parameter types. A value without I/O: it decides what the connection's
/// thread sends.
struct PreparedStatements {
  enum Plan: Equatable {
    /// Execute without preparing.
    case once
    /// Execute the prepared statement `name`.
    case prepared(name: String)
    /// Prepare as `name` for `types`, then execute.
    case new(name: String, types: [TypeID])
  }

  private struct Entry {
    var name: String
    var types: [TypeID]
  }

  /// The server keeps each plan in memory, so the number is bounded. Further statements are parsed on each use.
  private let limit: Int
  private var entries: [Statement: Entry] = [:]
  /// The number of statements that were ever prepared.
  private var counter = 0

  init(limit: Int = 512) {
    self.limit = limit
  }

  /// How to run `statement` with parameters of `types`. From now on it counts as prepared.
  ///
  /// A null has no type. Types of earlier uses are kept, and a use with further types prepares the statement again.
  mutating func plan(for statement: Statement, types: [TypeID]) -> Plan {
    guard statement.isKept else { return .once }
    guard let entry = entries[statement] else {
      guard entries.count < limit else { return .once }
      return prepare(statement, types)
    }
    if Self.fits(types, entry.types) { return .prepared(name: entry.name) }
    guard types.count == entry.types.count else { return prepare(statement, types) }
    return prepare(statement, zip(types, entry.types).map { $0 == .unspecified ? $1 : $0 })
  }

  /// Marks a statement as not prepared: the server does not have it, or its plan is stale.
  ///
  /// - Parameter name: If given, only a statement that is prepared under this name.
  mutating func forget(_ statement: Statement, name: String? = nil) {
    if let name, entries[statement]?.name != name { return }
    entries[statement] = nil
  }

  private mutating func prepare(_ statement: Statement, _ types: [TypeID]) -> Plan {
    counter += 1
    // The server truncates names at 63 bytes; the number makes them unique.
    let name = "\(String(decoding: statement.name.utf8.prefix(48), as: UTF8.self))#\(counter)"
    entries[statement] = Entry(name: name, types: types)
    return .new(name: name, types: types)
  }

  private static func fits(_ types: [TypeID], _ prepared: [TypeID]) -> Bool {
    guard types.count == prepared.count else { return false }
    for index in types.indices where types[index] != prepared[index] && types[index] != .unspecified { return false }
    return true
  }
}

/// When a connection discards its plans, for ``PostgresConfiguration/Planning/onceByIndex``.
///
/// A plan that was made while a table was empty can be wrong a second later, since for an empty table every index costs the same, and the
/// server only notices when it analyses the table, up to a minute later. So plans are renewed after a second, and then less and less often.
struct PlanRenewal: Sendable {
  static let statement = Statement("renew plans", "discard plans")

  private static let first = Duration.seconds(1)
  private static let longest = Duration.seconds(60)

  private var due: ContinuousClock.Instant
  private var interval = first

  init(from now: ContinuousClock.Instant) {
    due = now + Self.first
  }

  /// Whether to discard the plans now; called whenever there is something to send.
  mutating func isDue(at now: ContinuousClock.Instant) -> Bool {
    guard now >= due else { return false }
    interval = min(interval * 2, Self.longest)
    due = now + interval
    return true
  }
}
