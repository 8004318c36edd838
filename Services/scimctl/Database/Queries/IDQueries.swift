import Postgres

/// Statements that find ids in a range, for ids that are given by their first characters. See ``IDPrefix``.
enum IDQueries {
  static let logEntryIDs = ids(of: "log entries", in: "identity_read.provisioning_log", column: "id")
  static let auditIDs = ids(of: "audit rows", in: "identity_read.audit", column: "command_id")
  static let heldChangeIDs = ids(of: "held changes", in: "identity_read.held_changes", column: "id")
  static let receiptIDs = ids(of: "receipts", in: "directory_read.receipts", column: "id")
  static let invitationIDs = ids(of: "invitations", in: "mailer_read.invitations", column: "id")

  /// The ids of workspace `$1` from `$2` to `$3`, at most `$4` of them.
  private static func ids(of what: String, in view: String, column: String) -> Statement {
    Statement(
      "ids of \(what)",
      """
      select \(column)
      from \(view)
      where workspace_id = $1
      and \(column) between $2 and $3
      order by \(column)
      limit $4::int8
      """)
  }
}
