import Foundation
import Models
import Primitives
import SCIM
import SCIMStorage

/// Stores a part of a workspace's file. The workspace does not exist yet.
struct StageWorkspacePart: DecidableCommand {
  let part: WorkspaceImportPart
  /// The workspace of the file, which only the first part has.
  let workspace: WorkspaceRecordLine.WorkspaceContent?

  /// - Throws: 400 if the first line of the first part is no workspace.
  init(_ part: WorkspaceImportPart) throws(SCIMError) {
    self.part = part
    guard part.number == 1 else {
      workspace = nil
      return
    }
    guard let line = part.lines.first, case .workspace(let content) = try WorkspaceRecordLine(line, number: part.firstLine) else {
      throw .badRequest(.invalidValue, "Line \(part.firstLine): The first record must be the workspace.")
    }
    workspace = content
  }

  func addKeys(of command: Command, to writeSet: inout WriteSet) {
    writeSet.workspaceImports.insert(command.workspace)
    if let workspace { writeSet.insert(workspace.settings, of: command.workspace) }
  }

  func decide(_ command: Command, by decider: inout Decider) throws(SCIMError) -> Reply.Outcome {
    guard !part.lines.isEmpty, part.lines.count <= WorkspaceImportPart.maximumLines else {
      throw .badRequest(
        .tooMany, "A part of a workspace's file has 1 to \(WorkspaceImportPart.maximumLines) lines; found \(part.lines.count).")
    }
    if let existing = decider.state.workspaces[command.workspace] { throw .importedWorkspaceExists(existing) }
    if let record = decider.state.workspaceImports[command.workspace] {
      guard record.id == part.importID ? record.status == .staging : record.status != .waiting && record.status != .applying else {
        throw .workspaceImportStarted(command.workspace)
      }
    }
    if let workspace {
      do throws(SCIMError) {
        try decider.checkImported(workspace.settings, as: command.workspace)
      } catch {
        throw error.inLine(part.firstLine)
      }
    }
    decider.state.stage(part, of: command.workspace, by: command.actor.rawValue)
    return .done
  }

  var operationWithoutPersonalData: Command.Operation? { .stageWorkspace(part.withoutLines) }
  func auditTarget(of command: Command, in decider: Decider) -> String? { "import of workspace \(command.workspace)" }
}

/// Starts an import of a workspace, if all parts are stored. ``WorkspaceImportRunner`` applies it.
extension WorkspaceImportStart: DecidableCommand {
  func addKeys(of command: Command, to writeSet: inout WriteSet) { writeSet.workspaceImports.insert(command.workspace) }

  func decide(_ command: Command, by decider: inout Decider) throws(SCIMError) -> Reply.Outcome {
    guard let record = decider.state.workspaceImports[command.workspace], record.id == importID else {
      throw SCIMError(status: 404, scimType: nil, detail: "There is no import \(importID). Send the file again.")
    }
    guard record.status == .staging else { return .done }
    guard record.stagedParts >= parts else {
      throw SCIMError(
        status: 409, scimType: nil,
        detail: "The import \(importID) has \(parts) parts, of which \(record.stagedParts) were stored. Send the file again.")
    }
    decider.state.start(self, of: command.workspace)
    return .done
  }

  func auditTarget(of command: Command, in decider: Decider) -> String? { "import of workspace \(command.workspace)" }
}

/// Applies a part of a workspace's file: nothing of it, or everything.
struct ApplyWorkspacePart: DecidableCommand {
  let part: WorkspaceImportPart
  private let records: [(line: Int, record: WorkspaceRecordLine)]

  /// - Throws: 400 that names the line that cannot be read.
  init(_ part: WorkspaceImportPart) throws(SCIMError) {
    self.part = part
    var records: [(line: Int, record: WorkspaceRecordLine)] = []
    for (offset, line) in part.lines.enumerated() {
      let number = part.firstLine + offset
      records.append((number, try WorkspaceRecordLine(line, number: number)))
    }
    self.records = records
  }

  /// The names of new users and groups are not locked: nobody else writes to the workspace while it is imported.
  func addKeys(of command: Command, to writeSet: inout WriteSet) {
    let workspace = command.workspace
    writeSet.workspaceImports.insert(workspace)
    writeSet.exclusive.insert(workspace)
    for (_, record) in records {
      switch record {
      case .workspace(let content): writeSet.insert(content.settings, of: workspace)
      case .user(let user): writeSet.created.insert(ResourceKey(workspace: workspace, id: user.content.id))
      case .group(let group): writeSet.created.insert(ResourceKey(workspace: workspace, id: group.content.id))
      case .members(let content):
        let group = ResourceKey(workspace: workspace, id: content.group.resource)
        writeSet.groups.insert(group)
        for member in content.members { writeSet.memberships.insert(MembershipKey(group: group, user: member)) }
      case .account, .template: break
      case .webhook: writeSet.webhookOwners.insert(workspace)
      }
    }
  }

  func decide(_ command: Command, by decider: inout Decider) throws(SCIMError) -> Reply.Outcome {
    guard let record = decider.state.workspaceImports[command.workspace], record.id == part.importID, record.status == .applying else {
      throw SCIMError(status: 409, scimType: nil, detail: "The import \(part.importID) is not being applied.")
    }
    // A record that is refused must leave nothing of those before it.
    var draft = decider
    for (line, record) in records {
      do throws(SCIMError) {
        try draft.apply(record, of: command)
      } catch {
        throw error.inLine(line)
      }
    }
    draft.state.advanceImport(of: command.workspace, to: part.number)
    decider = draft
    return .done
  }

  var operationWithoutPersonalData: Command.Operation? { .applyWorkspace(part.withoutLines) }
}

extension WorkspaceImportPart {
  fileprivate var withoutLines: WorkspaceImportPart {
    WorkspaceImportPart(importID: importID, number: number, firstLine: firstLine, lines: [])
  }
}

extension WorkspaceRecordLine {
  fileprivate init(_ line: String, number: Int) throws(SCIMError) {
    do throws(WorkspaceLineError) {
      try self.init(line: Array(line.utf8))
    } catch {
      throw SCIMError.badRequest(.invalidValue, error.detail).inLine(number)
    }
  }
}

extension SCIMError {
  /// The error of a line of a file.
  func inLine(_ line: Int) -> SCIMError { SCIMError(status: status, scimType: scimType, detail: "Line \(line): \(detail)") }

  fileprivate static func importedWorkspaceExists(_ workspace: WorkspaceRecord) -> SCIMError {
    let present =
      workspace.settings.deletion?.finishedAt == nil
      ? "exists in this deployment, as '\(workspace.settings.slug)'" : "was deleted in this deployment, which never uses an id again"
    return SCIMError(
      status: 409, scimType: .uniqueness,
      detail: "Line 2: The workspace \(workspace.id) \(present). Import the file with a new id for the workspace.")
  }

  fileprivate static func workspaceImportStarted(_ workspace: WorkspaceID) -> SCIMError {
    SCIMError(status: 409, scimType: nil, detail: "An import of the workspace \(workspace) has started already.")
  }
}
