import Foundation
import Models
import SCIM

/// An account that the product imported, in the form of the management API.
struct AccountRow: Sendable, Equatable, Codable {
  /// The product's own id.
  var id: String
  var email: String
  var externalId: String?
  var state: String
  /// The linked user; nil if the identity provider never pushed one.
  var user: UserID?
  var importedAt: Date

  /// One row per account.
  static func table(of accounts: [AccountRow]) -> Table {
    var table = Table("ACCOUNT", "EMAIL", "STATE", "EXTERNAL ID", "USER", "IMPORTED")
    for account in accounts {
      table.append([
        account.id, account.email, account.state, account.externalId, account.user.map { "\($0)" }, Timestamp.text(account.importedAt),
      ])
    }
    return table
  }
}

/// An import of accounts, in the form of the management API.
struct AccountImportRow: Sendable, Equatable, Codable {
  /// A line that could not be applied.
  struct Failure: Sendable, Equatable, Codable {
    var line: Int
    var detail: String
  }

  var id: CommandID
  /// `staging`, `waiting`, `applying`, `done` or `failed`.
  var status: String
  var createdAt: Date
  var startedAt: Date?
  var finishedAt: Date?
  /// The number of accounts in the file.
  var lines: Int?
  /// The last line that was applied.
  var position: Int
  /// The number of users that were linked.
  var linked: Int
  var errors: [Failure]?

  /// Whether the import has ended.
  var isFinished: Bool { status == "done" || status == "failed" }

  /// One property per line.
  var description: Table {
    var table = Table()
    table.append(["import", "\(id)"])
    table.append(["status", status])
    table.append(["accounts", lines.map { "\($0)" }])
    table.append(["linked users", "\(linked)"])
    table.append(["finished", finishedAt.map(Timestamp.text)])
    return table
  }
}

/// What an import would do, in the form of the management API.
struct AccountImportReport: Sendable, Equatable, Codable {
  var dryRun: Bool
  /// The number of accounts in the file.
  var lines: Int
  /// Accounts that are not stored yet.
  var new: Int
  /// Accounts that are stored already.
  var existing: Int
  /// Those of them that are linked to a user.
  var linked: Int
  /// Existing users who would be linked.
  var matching: Int

  /// One property per line.
  var description: Table {
    var table = Table()
    table.append(["accounts", "\(lines)"])
    table.append(["new", "\(new)"])
    table.append(["stored already", "\(existing)"])
    table.append(["linked already", "\(linked)"])
    table.append(["users who would be linked", "\(matching)"])
    return table
  }
}
