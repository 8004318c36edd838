import Foundation
import Models
import SCIM
import WorkspaceSchemas

extension Decider {
  mutating func createWorkspace(_ read: ReadCommand, _ settings: WorkspaceSettings) throws(SCIMError) -> Reply.Outcome {
    try check(settings)
    guard state.workspaces[read.command.workspace] == nil else {
      throw SCIMError(status: 409, scimType: .uniqueness, detail: "There is a workspace \(read.command.workspace) already.")
    }
    if let namesake = state.workspace(withSlug: settings.slug) { throw .slugTaken(settings.slug, by: namesake.id) }
    write(
      WorkspaceRecord(id: read.command.workspace, settings: settings, version: 1, createdAt: now, modifiedAt: now))
    return .done
  }

  mutating func updateWorkspace(_ workspace: WorkspaceRecord, _ settings: WorkspaceSettings) throws(SCIMError) -> Reply.Outcome {
    try check(settings)
    if let namesake = state.workspace(withSlug: settings.slug), namesake.id != workspace.id {
      throw .slugTaken(settings.slug, by: namesake.id)
    }
    guard settings != workspace.settings else { return .done }
    var workspace = workspace
    workspace.settings = settings
    workspace.version += 1
    workspace.modifiedAt = now
    write(workspace)
    return .done
  }

  mutating func issueToken(_ read: ReadCommand, _ grant: TokenGrant) throws(SCIMError) -> Reply.Outcome {
    let key = ResourceKey(workspace: read.command.workspace, id: grant.token.resource)
    guard let digest = Hexadecimal.bytes(grant.digest), digest.count == 32 else {
      throw SCIMError(status: 400, scimType: .invalidValue, detail: "A token's digest is its SHA-256 in 64 hexadecimal digits.")
    }
    guard !grant.scopes.isEmpty else {
      throw SCIMError(status: 400, scimType: .invalidValue, detail: "A token needs at least one scope.")
    }
    guard state.tokens[key] == nil else {
      throw SCIMError(status: 409, scimType: .uniqueness, detail: "There is a token \(grant.token) already.")
    }
    state.write(
      TokenRecord(
        key: key, name: grant.name, digest: digest, scopes: grant.scopes.sorted { $0.rawValue < $1.rawValue }, expiresAt: grant.expiresAt,
        createdBy: read.command.actor.rawValue, createdAt: now, revokedAt: nil))
    return .done
  }

  mutating func revokeToken(_ read: ReadCommand, _ revocation: TokenRevocation) throws(SCIMError) -> Reply.Outcome {
    let key = ResourceKey(workspace: read.command.workspace, id: revocation.token.resource)
    guard var token = state.tokens[key] else {
      throw SCIMError(status: 404, scimType: nil, detail: "The workspace has no token \(revocation.token); see 'scimctl token list'.")
    }
    guard token.revokedAt == nil else { return .done }
    token.revokedAt = now
    state.write(token)
    return .done
  }

  private func check(_ settings: WorkspaceSettings) throws(SCIMError) {
    let slug = settings.slug
    let letters = Set("abcdefghijklmnopqrstuvwxyz0123456789-")
    guard !slug.isEmpty, slug.count <= 63, slug.allSatisfy(letters.contains), !slug.hasPrefix("-"), !slug.hasSuffix("-") else {
      throw SCIMError(
        status: 400, scimType: .invalidValue,
        detail: "'\(slug.prefix(80))' is no slug: 1 to 63 lower-case letters, digits and inner dashes.")
    }
    guard settings.role(named: settings.defaultRole) == settings.defaultRole else { throw .unknownRole(settings.defaultRole, in: settings) }
    guard !settings.roleAttribute.isEmpty, settings.roleAttribute.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") })
    else {
      throw SCIMError(
        status: 400, scimType: .invalidValue,
        detail: "'\(settings.roleAttribute.prefix(80))' is no attribute name: letters, digits and underscores (RFC 7643 §2.1).")
    }
    try settings.checkExtensions()
    if let fault = settings.invitations.branding.fault {
      throw SCIMError(status: 400, scimType: .invalidValue, detail: "The branding of invitations cannot be had: \(fault).")
    }
  }

  private mutating func write(_ workspace: WorkspaceRecord) {
    state.write(workspace)
    publish(
      .workspaceChanged(
        WorkspaceChanged(workspace: workspace.id, settings: workspace.settings, version: workspace.version, changedAt: now)))
  }
}

/// Bytes written as pairs of hexadecimal digits.
enum Hexadecimal {
  /// nil where `text` is not of that form.
  static func bytes(_ text: String) -> [UInt8]? {
    let digits = Array(text.utf8)
    guard digits.count.isMultiple(of: 2) else { return nil }
    var bytes: [UInt8] = []
    for index in stride(from: 0, to: digits.count, by: 2) {
      guard let byte = UInt8(String(decoding: digits[index...index + 1], as: UTF8.self), radix: 16) else { return nil }
      bytes.append(byte)
    }
    return bytes
  }
}
