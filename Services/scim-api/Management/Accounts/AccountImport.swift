import EdgeHTTP
import EdgeReads
import Foundation
import Hummingbird
import Models
import SCIM

/// The import of a request: reads the file, checks it as a whole, and stores it in parts, which are applied once all are stored.
struct AccountImport {
  let id: CommandID
  /// The settings under which a dry run reports what the import would do; nil for an import.
  let dryRun: WorkspaceSettings?
  let query: AccountsQuery
  let commands: CommandClient
  let caller: Caller
  let info: RequestInfo

  private var file = AccountFile()
  private var effect = AccountsQuery.Effect()
  private var parts = 0

  init(id: CommandID, dryRun: WorkspaceSettings?, query: AccountsQuery, commands: CommandClient, caller: Caller, info: RequestInfo) {
    self.id = id
    self.dryRun = dryRun
    self.query = query
    self.commands = commands
    self.caller = caller
    self.info = info
  }

  /// Reads the body. Parts are stored while it arrives, as long as no line is wrong.
  ///
  /// - Throws: 400 with the errors of all lines; 413, 429 or 503.
  mutating func read(_ request: Request, share: inout BodyBudget.Share) async throws {
    try MediaType.check(contentEncoding: request.headers[values: .contentEncoding])
    var size = 0
    for try await part in request.body {
      size += part.readableBytes
      guard size <= AccountFile.maximumBytes else { throw APIError.bodyTooLarge(limit: AccountFile.maximumBytes) }
      // What is kept of a line is smaller than the line.
      try share.take(part.readableBytes)
      file.append(part.readableBytesView)
      while file.lines.count >= AccountStaging.maximumLines { try await takePart() }
      if file.hasTooManyErrors { break }
    }
    file.finish()
    while !file.lines.isEmpty { try await takePart() }
    guard file.errors.isEmpty else { throw ProblemDetails.invalidAccounts(file.errors) }
    guard file.count > 0 else {
      throw ProblemDetails(400, .invalidBody, "The body has no accounts: one JSON object per line was expected.")
    }
  }

  private mutating func takePart() async throws {
    let lines = file.takeLines()
    guard !file.hasTooManyErrors else { return }
    let accounts = Dictionary(lines.map { ($0.number, $0.account.id) }) { $1 }
    let conflicts = try await query.conflicts(of: lines, in: caller.workspace)
    file.add(
      conflicts.map { conflict in
        ProblemDetails.Item(
          .line(conflict.line),
          AccountConflict.detail(account: accounts[conflict.line] ?? "", attribute: conflict.attribute, other: conflict.account))
      })
    guard file.errors.isEmpty else { return }
    if let dryRun {
      let part = try await query.effect(of: lines, under: dryRun, in: caller.workspace)
      effect += part
    } else {
      parts += 1
      try await execute(.stageAccounts(AccountStaging(importID: id, lines: lines)), purpose: "part \(parts)")
    }
  }

  /// Starts the stored import.
  func start() async throws {
    try await execute(.startAccountImport(AccountImportStart(importID: id, lines: file.count)), purpose: "start")
  }

  private func execute(_ operation: Command.Operation, purpose: String) async throws {
    try await commands.execute(operation, ofRequest: id, purpose: purpose, for: caller, info: info).checkDone()
  }

  /// What the import would do.
  var report: JSONObject {
    [
      "dryRun": .bool(true), "lines": .integer(Int64(file.count)), "new": .integer(Int64(file.count - effect.existing)),
      "existing": .integer(Int64(effect.existing)), "linked": .integer(Int64(effect.linked)),
      "matching": .integer(Int64(effect.matching)),
    ]
  }
}

extension ProblemDetails {
  /// 400 for a file with errors in these lines.
  fileprivate static func invalidAccounts(_ errors: [Item]) -> ProblemDetails {
    let sorted = errors.sorted { $0.line < $1.line }
    let more = errors.count >= maximumErrors ? " There may be more." : ""
    return ProblemDetails(
      400, .invalidBody, "\(errors.count == 1 ? "A line has an error" : "\(errors.count) lines have errors"); nothing was imported.\(more)",
      errors: sorted)
  }
}

extension ProblemDetails.Item {
  fileprivate var line: Int {
    if case .line(let line) = place { line } else { 0 }
  }
}
