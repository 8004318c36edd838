/// Which statements one connection has prepared, under which names and for which parameter types. Pure: the connection's thread asks it
/// what to send.
struct PreparedStatements {
  enum Plan: Equatable {
    /// Parse it for this use alone.
    case once
    /// Execute what is prepared as `name`.
    case prepared(name: String)
    /// Prepare it as `name` for `types` first.
    case new(name: String, types: [TypeID])
  }

  private struct Entry {
    var name: String
    var types: [TypeID]
  }

  /// The server keeps each one's plan in memory, so there is an end to them; what comes later is parsed at each use.
  private let limit: Int
  private var entries: [Statement: Entry] = [:]
  private var made = 0

  init(limit: Int = 512) {
    self.limit = limit
  }

  /// What to send so that `statement` runs with parameters of `types`. From now on it counts as prepared.
  ///
  /// A null says nothing about its parameter's type. So what earlier uses told is kept, and a use that tells more has it prepared again.
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

  /// The server does not have it, or not in this form: its next use prepares it again.
  mutating func forget(_ statement: Statement, name: String? = nil) {
    if let name, entries[statement]?.name != name { return }
    entries[statement] = nil
  }

  private mutating func prepare(_ statement: Statement, _ types: [TypeID]) -> Plan {
    made += 1
    // The server cuts names at 63 bytes; the number keeps them apart.
    let name = "\(String(decoding: statement.name.utf8.prefix(48), as: UTF8.self))#\(made)"
    entries[statement] = Entry(name: name, types: types)
    return .new(name: name, types: types)
  }

  private static func fits(_ types: [TypeID], _ prepared: [TypeID]) -> Bool {
    guard types.count == prepared.count else { return false }
    for index in types.indices where types[index] != prepared[index] && types[index] != .unspecified { return false }
    return true
  }
}
