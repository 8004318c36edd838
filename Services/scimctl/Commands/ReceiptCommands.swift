import ArgumentParser
import Foundation
import Models
import Postgres

/// `scimctl receipt`, the commands for receipts of deprovisioning.
struct ReceiptCommands: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "receipt", abstract: "Receipts: which access disabled and deleted users lost, and when.",
    subcommands: [ListReceipts.self, ShowReceipt.self, ListSigningKeys.self])
}

/// `scimctl receipt list`, which lists receipts.
struct ListReceipts: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List receipts, the latest first: id, time, reason, user, number of groups.")

  @OptionGroup var workspace: WorkspaceOption

  @Option(help: ArgumentHelp("Only receipts of this user.", valueName: "id"), transform: { try resourceID($0) })
  var user: ResourceID?

  @Option(help: "The maximum number of receipts.")
  var limit = 100

  private static let statement = Statement(
    "receipts",
    """
    select document
    from directory_read.receipts
    where workspace_id = $1
    and ($2::uuid is null or member_id = $2)
    order by id desc
    limit $3::int8
    """)

  func run() async throws {
    let settings = try await Settings.forReading()
    let table = try await withDatabase(settings) { pool in
      let workspace = try await workspace.resolve(settings, on: pool)
      var table = Table()
      let rows = try await pool.query(
        Self.statement, [.uuid(workspace.id.uuid), .optional(user?.uuid, PostgresValue.uuid), .int(Int64(limit))])
      for row in rows {
        let receipt: DeprovisionReceipt = try JSONData.decode(from: row.bytes(0), type: "receipt")
        table.append([
          "\(receipt.id)", Timestamp.text(receipt.revokedAt), receipt.reason.rawValue, "\(receipt.member)", "\(receipt.groups.count)",
        ])
      }
      return table
    }
    table.print()
  }
}

/// `scimctl receipt show ID`, which prints a receipt.
struct ShowReceipt: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "show", abstract: "Print a receipt as JSON.")

  @OptionGroup var workspace: WorkspaceOption

  @Argument(
    help: "The id of the receipt, or its first characters; see 'scimctl receipt list'.",
    transform: { try IDPrefix($0, list: ShowReceipt.list) }
  )
  var id: IDPrefix

  private static let list = "scimctl receipt list"

  private static let statement = Statement(
    "receipt", "select document from directory_read.receipts where workspace_id = $1 and id = $2")

  func run() async throws {
    let settings = try await Settings.forReading()
    let document = try await withDatabase(settings) { pool in
      let workspace = try await workspace.resolve(settings, on: pool)
      let id = try await id.resolve("receipt", list: Self.list, in: workspace, on: pool, IDQueries.receiptIDs)
      return try await pool.query(Self.statement, [.uuid(workspace.id.uuid), .uuid(id)]).first?.string(0)
    }
    guard let document else { throw ScimctlError(.notFound, "receipt '\(id.text)' no longer exists; '\(Self.list)' lists the receipts") }
    print(document)
  }
}

/// `scimctl receipt keys`, which prints the public signing keys.
struct ListSigningKeys: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "keys", abstract: "Print the public keys of the security event tokens as a JSON Web Key Set (RFC 7517).")

  private static let statement = Statement("signing keys", "select jwk from directory_read.signing_keys order by first_used_at desc")

  func run() async throws {
    let settings = try await Settings.forReading()
    let keys = try await withDatabase(settings) { pool in try await pool.query(Self.statement).map { try $0.string(0) } }
    print("{\"keys\":[\(keys.joined(separator: ","))]}")
  }
}
