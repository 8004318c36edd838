import Foundation
import Models
import ProvisioningLog
import SCIM

/// What a command may change of settings and tokens, as it is at one moment, in JSON without secrets.
struct AuditedState: Sendable, Equatable {
  private var settings: JSONObject?
  private var tokens: [ResourceKey: JSONObject] = [:]

  /// - Parameter touched: what the command touches.
  init(_ touched: WriteSet, of workspace: WorkspaceID, in state: WorkingSet) {
    settings = state.workspaces[workspace].flatMap { Self.object(of: $0.settings) }
    for key in touched.tokens { tokens[key] = state.tokens[key].map(Self.describe) }
  }

  /// What differs between this and a later state: the values before, and after. Both are empty where nothing does.
  func difference(to later: AuditedState) -> (before: JSONObject, after: JSONObject) {
    var (before, after) = (JSONObject(), JSONObject())
    Self.compare(settings ?? JSONObject(), later.settings ?? JSONObject(), &before, &after)
    for key in Set(tokens.keys).union(later.tokens.keys).sorted() {
      Self.compare(tokens[key] ?? JSONObject(), later.tokens[key] ?? JSONObject(), &before, &after)
    }
    return (before, after)
  }

  private static func compare(_ old: JSONObject, _ new: JSONObject, _ before: inout JSONObject, _ after: inout JSONObject) {
    for member in old where new[member.key] != member.value { before[member.key] = member.value }
    for member in new where old[member.key] != member.value { after[member.key] = member.value }
  }

  private static func object(of value: some Encodable) -> JSONObject? {
    do { return try JSON(parsing: try JSONData.encode(value)).object.map { AuditSummary.withoutSecrets(.object($0)).object ?? $0 } } catch {
      return nil
    }
  }

  /// Without the digest.
  private static func describe(_ token: TokenRecord) -> JSONObject {
    var object = JSONObject()
    object["name"] = .string(token.name)
    object["scopes"] = .array(token.scopes.map { .string($0.rawValue) })
    object["expiresAt"] = token.expiresAt.map { .string(Timestamp.text($0)) }
    object["openedWith"] = token.openedWith.map { .string("\($0)") }
    object["revokedAt"] = token.revokedAt.map { .string(Timestamp.text($0)) }
    return object
  }
}

extension Command {
  /// The same without the person's address: the audit trail keeps no personal data and identifies known users by id.
  fileprivate var withoutAddresses: Command {
    var command = self
    switch operation {
    case .promoteUser(var signIn):
      signIn.email = nil
      command.operation = .promoteUser(signIn)
    case .reportMail(var report):
      report.email = nil
      // Mail servers repeat the address in it.
      report.reason = nil
      command.operation = .reportMail(report)
    default: break
    }
    return command
  }
}

/// What the audit trail tells of a command, in JSON.
enum AuditSummary {
  /// What changed; where nothing that is known here did, what was asked for.
  static func text(of command: Command, before: AuditedState, after: AuditedState, outcome: Reply.Outcome) -> String {
    let (old, new) = before.difference(to: after)
    var summary = JSONObject()
    if old.isEmpty, new.isEmpty {
      summary["asked"] = asked(command)
    } else {
      summary["before"] = .object(old)
      summary["after"] = .object(new)
    }
    if case .signIn(let outcome) = outcome { summary["outcome"] = .string(outcome.rawValue) }
    summary["session"] = command.session.map { .string("\($0)") }
    return String(decoding: Redaction.maskingTokens(in: summary.serialized()), as: UTF8.self)
  }

  static func withoutSecrets(_ json: JSON) -> JSON { Redaction.body(json).json }

  /// The command's data, cut to its head where it is large.
  private static func asked(_ command: Command) -> JSON {
    do {
      let data = try command.withoutAddresses.cloudEvent(source: "audit").data
      guard !data.isEmpty else { return .null }
      return withoutSecrets(LoggedBody.head(of: try JSON(parsing: data)))
    } catch {
      return .null
    }
  }
}
