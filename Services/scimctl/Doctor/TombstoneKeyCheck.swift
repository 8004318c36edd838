import Credentials
import Foundation
import Models
import Postgres
import ServiceKit

/// Checks the keys for the names of deleted users: whether all replicas have the same key, and whether a former key is still needed.
struct TombstoneKeyCheck: Sendable {
  let pool: PostgresPool
  let settings: ServiceSettings

  /// Tombstones that one key has written.
  struct Usage: Sendable, Equatable {
    /// The id of the key; nil if they were written before keys were told apart.
    var key: String?
    var tombstones: Int
    /// When the last of the users was deleted.
    var newest: Date
  }

  /// How far a rotation is.
  enum Rotation: Sendable, Equatable {
    /// identity-store has not begun, because it does not have both keys.
    case waiting
    case running
    case finished(Date)
  }

  /// The finding; nil if scimctl does not know the key.
  func finding() async throws -> Finding? {
    guard let key = settings.optionalString(.tombstoneKey) else { return nil }
    let usage = try await pool.query(DoctorQueries.tombstoneKeys).map { row in
      Usage(key: try row.optionalString(0), tombstones: try row.int(1), newest: try row.timestamp(2))
    }
    let id = NameKeyID.text(of: key)
    guard let formerKey = settings.optionalString(.tombstoneFormerKey), formerKey != key else {
      return Self.finding(usage, key: id)
    }
    let former = NameKeyID.text(of: formerKey)
    var rotation = Rotation.waiting
    if let row = try await pool.query(DoctorQueries.tombstoneKeyRotation, [.text(id), .text(former)]).first {
      rotation = try row.optionalTimestamp(0).map { .finished($0) } ?? .running
    }
    return Self.finding(usage, former: former, rotation)
  }

  /// The finding without a former key.
  static func finding(_ usage: [Usage], key: String) -> Finding {
    let others = usage.filter { $0.key != nil && $0.key != key }
    guard let newest = others.map(\.newest).max() else { return .ok("tombstone key", "all deleted users are found with the present key") }
    let count = others.reduce(0) { $0 + $1.tombstones }
    return .ok(
      "tombstone key",
      "\(count) deleted users are found with a former key only, the last deleted at \(Timestamp.text(newest)): if one of them is created "
        + "again, requests for the old id get no hint")
  }

  /// The finding while a former key is set.
  static func finding(_ usage: [Usage], former: String, _ rotation: Rotation) -> Finding {
    let check = "tombstone key"
    switch rotation {
    case .waiting:
      return .warn(
        check, "ROLLCALL_TOMBSTONE_FORMER_KEY is set here, and identity-store has not begun to replace that key",
        fix: "set ROLLCALL_TOMBSTONE_KEY and ROLLCALL_TOMBSTONE_FORMER_KEY of identity-store to the same values, and restart it")
    case .running: return .ok(check, "is being replaced; keep ROLLCALL_TOMBSTONE_FORMER_KEY")
    case .finished(let date):
      let left = usage.filter { $0.key == former }
      let rest =
        left.isEmpty
        ? "no deleted user is found with the former key any more"
        : "of deleted users with no successor, \(left.reduce(0) { $0 + $1.tombstones }) are found with the former key only, the last deleted at "
          + "\(Timestamp.text(left.map(\.newest).max() ?? date)): if one of them is created again, requests for the old id get no hint"
      return .warn(
        check, "was replaced at \(Timestamp.text(date)), and the former key is no longer needed; \(rest)",
        fix: "unset ROLLCALL_TOMBSTONE_FORMER_KEY, for identity-store as well")
    }
  }
}
