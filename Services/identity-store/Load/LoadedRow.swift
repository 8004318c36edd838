import Foundation
import Models
import Postgres
import Primitives

/// A row of a statement that returns rows of several kinds; see ``LoadStatements/rows(_:knowing:)``. Each kind uses some of the columns, the
/// others are null.
struct LoadedRow {
  let row: Row

  /// The first column.
  enum Kind: Int {
    case reply, workspace, earlySignIn, user, group
  }

  struct UnknownKind: Error {
    var number: Int
  }

  /// The other columns, in their order.
  enum Column: Int, CaseIterable {
    case workspace = 1
    case id, version, createdAt, modifiedAt, signedInAt, document, name, nameKey, externalID, displayName, givenName, familyName, email
    case language, state, role, texts, data, flag, account, hasAccounts

    var type: String {
      switch self {
      case .workspace, .id: "uuid"
      case .version: "int8"
      case .createdAt, .modifiedAt, .signedInAt: "timestamptz"
      case .document, .name, .nameKey, .externalID, .displayName, .givenName, .familyName, .email, .language, .state, .role,
        .account:
        "text"
      case .texts: "text[]"
      case .data: "bytea"
      case .flag, .hasAccounts: "bool"
      }
    }
  }

  /// The `select` of rows of one kind.
  ///
  /// - Parameters:
  ///   - columns: The expressions of the columns that the kind uses.
  ///   - source: The rest of the `select`.
  static func select(_ kind: Kind, _ columns: [Column: String], _ source: String) -> String {
    let values = Column.allCases.map { columns[$0] ?? "null::\($0.type)" }
    return "select \(kind.rawValue), \(values.joined(separator: ", "))\n\(source)"
  }

  var kind: Kind {
    get throws {
      let number = try row.int(0)
      guard let kind = Kind(rawValue: number) else { throw UnknownKind(number: number) }
      return kind
    }
  }

  var workspace: WorkspaceID { get throws { WorkspaceID(try row.uuid(Column.workspace.rawValue)) } }
  var key: ResourceKey { get throws { ResourceKey(workspace: try workspace, id: ResourceID(try row.uuid(Column.id.rawValue))) } }

  func string(_ column: Column) throws -> String { try row.string(column.rawValue) }
  func optional(_ column: Column) throws -> String? { try row.optionalString(column.rawValue) }
  func time(_ column: Column) throws -> Date { try row.timestamp(column.rawValue) }

  /// The stored key if it differs from the key of the name.
  private var storedNameKey: String? {
    get throws {
      let stored = try string(.nameKey)
      return stored.utf8.elementsEqual(ComparisonKey(try string(.name)).text.utf8) ? nil : stored
    }
  }
}

extension LoadedRow {
  static let replyColumns: [Column: String] = [.id: "command_id", .texts: "attributes", .data: "data"]

  var reply: Reply {
    get throws {
      try Reply(
        command: CommandID(row.uuid(Column.id.rawValue)), attributes: [String: String](pairs: row.textArray(Column.texts.rawValue)),
        data: row.bytes(Column.data.rawValue))
    }
  }

  static let userColumns: [Column: String] = [
    .workspace: "u.workspace_id", .id: "u.id", .version: "u.version", .createdAt: "u.created_at", .modifiedAt: "u.modified_at",
    .signedInAt: "u.first_signed_in_at", .document: "u.document", .name: "u.user_name", .nameKey: "u.user_name_key",
    .externalID: "u.external_id", .displayName: "u.display_name", .givenName: "u.given_name", .familyName: "u.family_name",
    .email: "u.email", .language: "u.language", .state: "u.state", .role: "u.role", .texts: "u.other_email_keys",
    .account: "u.account_id",
  ]

  var user: UserRecord {
    get throws {
      let state = try string(.state)
      guard let state = UserState(rawValue: state) else { throw UnknownState(state: state) }
      return UserRecord(
        key: try key, userName: try string(.name), externalID: try optional(.externalID), displayName: try optional(.displayName),
        givenName: try optional(.givenName), familyName: try optional(.familyName), email: try optional(.email),
        otherEmailKeys: try row.optionalTextArray(Column.texts.rawValue) ?? [], language: try optional(.language), state: state,
        role: try string(.role), firstSignedInAt: try row.optionalTimestamp(Column.signedInAt.rawValue),
        version: Int64(try row.int(Column.version.rawValue)), createdAt: try time(.createdAt), modifiedAt: try time(.modifiedAt),
        document: try row.bytes(Column.document.rawValue), accountID: try optional(.account), storedNameKey: try storedNameKey)
    }
  }

  static let groupColumns: [Column: String] = [
    .workspace: "g.workspace_id", .id: "g.id", .version: "g.version", .createdAt: "g.created_at", .modifiedAt: "g.modified_at",
    .document: "g.document", .name: "g.display_name", .nameKey: "g.display_name_key", .externalID: "g.external_id",
    .flag: "g.namesake <> '00000000-0000-0000-0000-000000000000'",
  ]

  var group: GroupRecord {
    get throws {
      GroupRecord(
        key: try key, displayName: try string(.name), externalID: try optional(.externalID),
        version: Int64(try row.int(Column.version.rawValue)), createdAt: try time(.createdAt), modifiedAt: try time(.modifiedAt),
        document: try row.bytes(Column.document.rawValue), mayShareName: try row.bool(Column.flag.rawValue),
        storedNameKey: try storedNameKey)
    }
  }

  /// The settings are null if the caller knows the version of the workspace; the flags say whether the workspace has held changes and
  /// imported accounts.
  static let workspaceColumns: [Column: String] = [
    .id: "w.id", .version: "w.version", .createdAt: "w.created_at", .modifiedAt: "w.modified_at",
    .document: "case when known.version = w.version then null else w.settings::text end",
    .flag: "exists (select from identity.held_changes h where h.workspace_id = w.id and h.standing)",
    .hasAccounts: "w.has_accounts",
  ]

  /// The workspace: the record in `known` if it has the current version.
  func workspace(_ known: [WorkspaceID: WorkspaceRecord]) throws -> WorkspaceRecord {
    let (id, version) = (WorkspaceID(try row.uuid(Column.id.rawValue)), Int64(try row.int(Column.version.rawValue)))
    if let record = known[id], record.version == version { return record }
    return WorkspaceRecord(
      id: id, settings: try JSONData.decode(from: row.bytes(Column.document.rawValue), type: "workspace settings"), version: version,
      createdAt: try time(.createdAt), modifiedAt: try time(.modifiedAt))
  }

  var hasHeldChanges: Bool { get throws { try row.bool(Column.flag.rawValue) } }
  var hasAccounts: Bool { get throws { try row.bool(Column.hasAccounts.rawValue) } }
}
