import Models
import Postgres

// Sets of keys as the array parameters of set-based statements: one array a column.

extension [MemberKey] {
  /// Workspace ids and member ids.
  var columns: [PostgresValue] { [.uuidArray(map(\.workspace.uuid)), .uuidArray(map(\.id.uuid))] }
}

extension [GroupKey] {
  /// Workspace ids and group ids.
  var columns: [PostgresValue] { [.uuidArray(map(\.workspace.uuid)), .uuidArray(map(\.id.uuid))] }
}

extension [GroupRange] {
  /// Workspace ids, group ids, and the member ids that bound the ranges.
  var columns: [PostgresValue] {
    map(\.group).columns + [.uuidArray(map(\.members.after?.uuid)), .uuidArray(map(\.members.through?.uuid))]
  }
}

extension [Membership] {
  /// Workspace ids, group ids and member ids.
  var columns: [PostgresValue] {
    [.uuidArray(map(\.group.workspace.uuid)), .uuidArray(map(\.group.id.uuid)), .uuidArray(map(\.member.id.uuid))]
  }
}
