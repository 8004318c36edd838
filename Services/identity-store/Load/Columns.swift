import Models
import Postgres

// Keys as array parameters of set-based statements, one array for each column.

extension [ResourceKey] {
  /// Workspace ids and resource ids.
  var columns: [PostgresValue] {
    [.uuidArray(map(\.workspace.uuid)), .uuidArray(map(\.id.uuid))]
  }
}

extension [NameKey] {
  /// Workspace ids and names.
  var columns: [PostgresValue] {
    [.uuidArray(map(\.workspace.uuid)), .textArray(map(\.name))]
  }
}

extension [MembershipKey] {
  /// Workspace ids, group ids and user ids.
  var columns: [PostgresValue] {
    [.uuidArray(map(\.group.workspace.uuid)), .uuidArray(map(\.group.id.uuid)), .uuidArray(map(\.user.uuid))]
  }
}
