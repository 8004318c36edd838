import ArgumentParser
import Foundation
import Models
import SCIM

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

  @OptionGroup var output: OutputOption

  func validate() throws {
    guard limit > 0 else { throw ValidationError("--limit must be at least 1.") }
  }

  /// One row per receipt.
  static func table(of receipts: [DeprovisionReceipt]) -> Table {
    var table = Table("ID", "TIME", "REASON", "USER", "GROUPS")
    for receipt in receipts {
      table.append([
        "\(receipt.id)", Timestamp.text(receipt.revokedAt), receipt.reason.rawValue, "\(receipt.member)", "\(receipt.groups.count)",
      ])
    }
    return table
  }

  func run() async throws {
    try await withAdministration { administration in
      let workspace = try await administration.workspace(workspace)
      try output.print(try await administration.receipts(of: user?.user, limit: limit, in: workspace), as: Self.table)
    }
  }
}

/// `scimctl receipt show ID`, which prints a receipt.
struct ShowReceipt: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "show", abstract: "Print a receipt as JSON.")

  @OptionGroup var workspace: WorkspaceOption

  @Argument(
    help: "The id of the receipt, or its first characters; see 'scimctl receipt list'.",
    transform: { try IDPrefix($0, list: ListedKind.receipts.list) }
  )
  var id: IDPrefix

  @Flag(help: "Print JSON, as the command does anyway.")
  var json = false

  func run() async throws {
    try await withAdministration { administration in
      let workspace = try await administration.workspace(workspace)
      let found = try await administration.id(of: .receipts, id, in: workspace)
      guard let receipt = try await administration.receipt(ReceiptID(found), in: workspace) else {
        throw ScimctlError(.notFound, "receipt '\(id.text)' no longer exists; '\(ListedKind.receipts.list)' lists the receipts")
      }
      print(String(decoding: try JSONData.encode(receipt), as: UTF8.self))
    }
  }
}

/// `scimctl receipt keys`, which prints the public signing keys.
struct ListSigningKeys: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "keys", abstract: "Print the public keys of the security event tokens as a JSON Web Key Set (RFC 7517).")

  func run() async throws {
    try await withAdministration { administration in
      OutputOption.print(.object(["keys": .array(try await administration.signingKeys())]))
    }
  }
}
