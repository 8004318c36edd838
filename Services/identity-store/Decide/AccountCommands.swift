import Foundation
import Models
import Primitives
import SCIM

/// Stores a part of an import.
extension AccountStaging: WorkspaceBoundCommand {
  func addKeys(of command: Command, to writeSet: inout WriteSet) {
    writeSet.accountImports.merge([ResourceKey(workspace: command.workspace, id: ResourceID(importID.uuid)): false]) { $0 || $1 }
  }

  func decide(_ command: Command, in workspace: WorkspaceRecord, by decider: inout Decider) throws(SCIMError) -> Reply.Outcome {
    let key = ResourceKey(workspace: workspace.id, id: ResourceID(importID.uuid))
    guard (1...Self.maximumLines).contains(lines.count) else {
      throw .badRequest(.tooMany, "A part of an import has 1 to \(Self.maximumLines) lines; found \(lines.count).")
    }
    guard decider.state.accountImports[key].map({ $0.status == .staging }) ?? true else { throw .importStarted(importID) }
    for line in lines {
      guard let fault = line.account.fault else { continue }
      throw .badRequest(.invalidValue, "Line \(line.number): \(fault)")
    }
    decider.state.stage(self, in: workspace.id, by: command.actor.rawValue)
    return .done
  }

  var operationWithoutPersonalData: Command.Operation? { .stageAccounts(AccountStaging(importID: importID, lines: [])) }
  func auditTarget(of command: Command, in decider: Decider) -> String? { "account import \(importID)" }
}

/// Starts an import, if all of its lines are stored. ``AccountImportRunner`` validates and applies it.
extension AccountImportStart: WorkspaceBoundCommand {
  func addKeys(of command: Command, to writeSet: inout WriteSet) {
    writeSet.accountImports[ResourceKey(workspace: command.workspace, id: ResourceID(importID.uuid))] = true
  }

  func decide(_ command: Command, in workspace: WorkspaceRecord, by decider: inout Decider) throws(SCIMError) -> Reply.Outcome {
    let key = ResourceKey(workspace: workspace.id, id: ResourceID(importID.uuid))
    guard var record = decider.state.accountImports[key] else {
      throw SCIMError(status: 404, scimType: nil, detail: "The workspace has no account import \(importID). Send the file again.")
    }
    guard record.status == .staging else { return .done }
    // Lines that are stored twice are counted twice here; the runner counts the rows.
    guard record.stagedLines >= lines else {
      throw SCIMError(
        status: 409, scimType: nil,
        detail: "The account import \(importID) has \(lines) lines, of which \(record.stagedLines) were stored. Send the file again.")
    }
    record.status = .waiting
    decider.state.start(record, lines: lines)
    return .done
  }

  func auditTarget(of command: Command, in decider: Decider) -> String? { "account import \(importID)" }
}

/// Applies a chunk of an import, and links users whom the identity provider pushed earlier.
extension AccountChunk: WorkspaceBoundCommand {
  func addKeys(of command: Command, to writeSet: inout WriteSet) {
    writeSet.exclusive.insert(command.workspace)
    for user in users { writeSet.users.insert(ResourceKey(workspace: command.workspace, id: user.resource)) }
    for line in lines {
      let account = line.account
      if !account.email.isEmpty { writeSet.insertPerson(with: account.email, in: command.workspace) }
      writeSet.accountIDs.insert(.account(account.id, in: command.workspace))
      if let id = account.externalID { writeSet.accountIDs.insert(.account(id, in: command.workspace)) }
    }
  }

  func decide(_ command: Command, in workspace: WorkspaceRecord, by decider: inout Decider) throws(SCIMError) -> Reply.Outcome {
    try decider.apply(self, in: workspace)
  }

  var operationWithoutPersonalData: Command.Operation? { .applyAccounts(AccountChunk(importID: importID, lines: [], users: [])) }
}

extension AccountLink: WorkspaceBoundCommand {
  func addKeys(of command: Command, to writeSet: inout WriteSet) {
    writeSet.users.insert(command.key)
    writeSet.seating.insert(command.workspace)
    writeSet.accountIDs.insert(.account(account, in: command.workspace))
  }

  func decide(_ command: Command, in workspace: WorkspaceRecord, by decider: inout Decider) throws(SCIMError) -> Reply.Outcome {
    try decider.link(command, to: account, in: workspace)
  }
}

extension AccountUnlink: WorkspaceBoundCommand {
  func addKeys(of command: Command, to writeSet: inout WriteSet) {
    writeSet.users.insert(command.key)
    writeSet.seating.insert(command.workspace)
  }

  func decide(_ command: Command, in workspace: WorkspaceRecord, by decider: inout Decider) throws(SCIMError) -> Reply.Outcome {
    try decider.unlink(command, in: workspace)
  }
}

extension SCIMError {
  fileprivate static func importStarted(_ id: CommandID) -> SCIMError {
    SCIMError(status: 409, scimType: nil, detail: "The account import \(id) has started already. Send the file as a new import.")
  }
}
