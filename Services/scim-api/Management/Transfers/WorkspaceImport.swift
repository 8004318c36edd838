import EdgeHTTP
import EdgeReads
import Foundation
import Hummingbird
import Models
import SCIM
import SCIMStorage

/// The import of a request: reads a workspace's file, checks it as a whole, and stores it in parts, which are applied once all are stored.
struct WorkspaceImport {
  let id: CommandID
  let isDryRun: Bool
  let commands: CommandClient
  let caller: Caller
  let info: RequestInfo
  private(set) var file: WorkspaceFile

  init(
    id: CommandID, options: WorkspaceFile.Options, isDryRun: Bool, commands: CommandClient, caller: Caller, info: RequestInfo
  ) {
    self.id = id
    self.isDryRun = isDryRun
    self.commands = commands
    self.caller = caller
    self.info = info
    file = WorkspaceFile(importID: id, options: options)
  }

  /// Reads the body. Parts are stored while it arrives, as long as no line is wrong.
  ///
  /// - Throws: 400 with the errors of all lines; 409 if the workspace, its slug or a domain exists here; 413, 429 or 503.
  mutating func read(_ request: Request, share: inout BodyBudget.Share) async throws {
    try MediaType.check(contentEncoding: request.headers[values: .contentEncoding])
    // Two parts, and the line that is being read.
    try share.take(3 * WorkspaceImportPart.maximumBytes)
    var (size, counted) = (0, 0)
    for try await part in request.body {
      size += part.readableBytes
      guard size <= WorkspaceFile.maximumBytes else { throw APIError.bodyTooLarge(limit: WorkspaceFile.maximumBytes) }
      file.append(part.readableBytesView)
      try share.take((file.count - counted) * WorkspaceFile.keptBytes)
      counted = file.count
      try await storeParts()
      if file.isHopeless { break }
    }
    file.finish()
    try await storeParts()
    guard file.errors.isEmpty else { throw ProblemDetails.invalidWorkspaceFile(file.errors) }
    guard file.workspace != nil else {
      throw ProblemDetails(400, .invalidBody, "The body is empty; an export of a workspace was expected.")
    }
  }

  private mutating func storeParts() async throws {
    while let part = file.takePart() {
      guard !isDryRun else { continue }
      try await execute(.stageWorkspace(part), purpose: "part \(part.number)")
    }
  }

  /// Starts the stored import.
  func start() async throws {
    try await execute(
      .startWorkspaceImport(WorkspaceImportStart(importID: id, parts: file.partCount, lines: file.count)), purpose: "start")
  }

  private func execute(_ operation: Command.Operation, purpose: String) async throws {
    guard let workspace = file.workspace else { throw ProblemDetails(400, .invalidBody, "The file has no workspace.") }
    try await commands.execute(operation, ofRequest: id, purpose: purpose, in: workspace, for: caller, info: info).checkDone()
  }

  /// What the import would do.
  var report: JSONObject {
    var counts = JSONObject()
    for kind in WorkspaceRecordLine.Kind.allCases { counts[kind.rawValue] = .integer(file.counts[kind] ?? 0) }
    var object: JSONObject = ["dryRun": .bool(true), "slug": .string(file.slug), "lines": .number(file.count), "counts": .object(counts)]
    object.add("workspace", file.workspace)
    return object
  }
}

extension ProblemDetails {
  /// 400 for a file with errors in these lines.
  fileprivate static func invalidWorkspaceFile(_ errors: [Item]) -> ProblemDetails {
    let more = errors.count >= maximumErrors ? " There may be more." : ""
    return ProblemDetails(
      400, .invalidBody, "\(errors.count == 1 ? "A line has an error" : "\(errors.count) lines have errors"); nothing was imported.\(more)",
      errors: errors)
  }
}
