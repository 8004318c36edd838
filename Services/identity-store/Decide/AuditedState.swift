import Foundation
import Models
import ProvisioningLog
import SCIM

/// A snapshot of the settings, tokens and webhook endpoints that a command may change, as JSON without secrets.
struct AuditedState: Sendable, Equatable {
  private var settings: JSONObject?
  private var tokens: [ResourceKey: JSONObject] = [:]
  private var webhook: JSONObject?

  /// Takes a snapshot of the settings and tokens in the write set of a command, and of its webhook endpoint.
  init(of parsed: ParsedCommand, in state: WorkingSet) {
    settings = state.workspaces[parsed.command.workspace].flatMap { Self.object(of: $0.settings) }
    for key in WriteSet(of: [parsed]).tokens { tokens[key] = state.tokens[key].map(Self.describe) }
    if let command = parsed.payload as? any WebhookCommand {
      webhook = state.webhook(command.webhook, of: parsed.command.workspace).map(Self.describe)
    }
  }

  /// The values that differ from a later snapshot, before and after. Both are empty if nothing differs.
  func difference(to later: AuditedState) -> (before: JSONObject, after: JSONObject) {
    var (before, after) = (JSONObject(), JSONObject())
    Self.compare(settings ?? JSONObject(), later.settings ?? JSONObject(), &before, &after)
    Self.compare(webhook ?? JSONObject(), later.webhook ?? JSONObject(), &before, &after)
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

  /// A token without its digest.
  private static func describe(_ token: TokenRecord) -> JSONObject {
    var object = JSONObject()
    object["name"] = .string(token.name)
    object["scopes"] = .array(token.scopes.map { .string($0.rawValue) })
    object["expiresAt"] = token.expiresAt.map { .string(Timestamp.text($0)) }
    object["openedWith"] = token.openedWith.map { .string("\($0)") }
    object["revokedAt"] = token.revokedAt.map { .string(Timestamp.text($0)) }
    return object
  }

  /// A webhook endpoint without its secrets, and without what its URL may contain of one.
  private static func describe(_ record: WebhookRecord) -> JSONObject {
    guard !record.isDeleted else { return JSONObject() }
    let endpoint = record.endpoint
    var object = JSONObject()
    object["url"] = .string(WebhookRules.urlWithoutSecrets(endpoint.url))
    object["description"] = .string(endpoint.description)
    object["types"] = endpoint.types.map { .array($0.map { .string($0.rawValue) }) }
    object["formerSecretUntil"] = endpoint.formerSecretUntil.map { .string(Timestamp.text($0)) }
    object["state"] = .string(endpoint.state.rawValue)
    object["disabledReason"] = endpoint.disabledReason.map { .string($0) }
    return object
  }
}

/// The summary of a command in the audit trail, in JSON.
enum AuditSummary {
  /// The summary of a command: the changed values before and after, or the data of the command if no settings or tokens changed.
  static func text(of parsed: ParsedCommand, before: AuditedState, after: AuditedState, outcome: Reply.Outcome) -> String {
    let (old, new) = before.difference(to: after)
    var summary = JSONObject()
    if old.isEmpty, new.isEmpty {
      summary["asked"] = data(of: parsed)
    } else {
      summary["before"] = .object(old)
      summary["after"] = .object(new)
    }
    if case .signIn(let outcome, _) = outcome { summary["outcome"] = .string(outcome.rawValue) }
    summary["session"] = parsed.command.session.map { .string("\($0)") }
    return String(decoding: Redaction.maskingTokens(in: summary.serialized()), as: UTF8.self)
  }

  static func withoutSecrets(_ json: JSON) -> JSON { Redaction.body(json).json }

  /// The data of the command without personal data and secrets; large data is truncated.
  private static func data(of parsed: ParsedCommand) -> JSON {
    do {
      var command = parsed.command
      if let operation = parsed.payload.operationWithoutPersonalData { command.operation = operation }
      let data = try command.cloudEvent(source: "audit").data
      guard !data.isEmpty else { return .null }
      return withoutSecrets(LoggedBody.head(of: try JSON(parsing: data)))
    } catch {
      return .null
    }
  }
}
