import MailTemplates
import Models
import Primitives
import SCIM
import SCIMStorage

/// Checks the records of a workspace's file against each other: order, duplicate ids and names, and references.
struct WorkspaceRecordChecker: Sendable {
  /// The settings of the workspace, which is read before its records.
  var settings: WorkspaceSettings?
  /// The schemas of these settings.
  var schemas: ResourceSchemas?

  private var last = WorkspaceRecordLine.Kind.workspace
  private var resources: [ResourceID: Int] = [:]
  private var users: Set<UserID> = []
  private var groups: Set<GroupID> = []
  private var userNames: [String: Int] = [:]
  private var groupNames: [String: Int] = [:]
  private var accounts: [String: Int] = [:]
  private var accountEmails: [String: Int] = [:]
  private var accountExternalIDs: [String: Int] = [:]
  private var webhooks: Set<WebhookID> = []
  private var languages: Set<String> = []

  /// Checks the next record.
  ///
  /// - Throws: ``WorkspaceLineError`` that says what is wrong.
  mutating func check(_ record: WorkspaceRecordLine, line: Int) throws(WorkspaceLineError) {
    let kinds = WorkspaceRecordLine.Kind.allCases
    guard let place = kinds.firstIndex(of: record.kind), let before = kinds.firstIndex(of: last), place >= before else {
      throw WorkspaceLineError(
        "A \(record.kind.rawValue) comes after a \(last.rawValue); the order is \(kinds.map(\.rawValue).joined(separator: ", ")).")
    }
    last = record.kind
    guard let settings, let schemas else { throw WorkspaceLineError("Line 2 must be the workspace.") }
    switch record {
    case .workspace: break
    case .webhook(let webhook):
      guard webhooks.insert(webhook.id).inserted else { throw WorkspaceLineError("An earlier line has the id, too.") }
    case .template(let template):
      guard languages.insert(template.language).inserted else { throw WorkspaceLineError("An earlier line has the language, too.") }
      if let fault = TemplateCheck.faults(in: template).first { throw WorkspaceLineError("The template is not valid: \(fault).") }
    case .user(let user):
      let document = try user.document(in: settings, schemas: schemas)
      try Self.insert(user.content.id, line, "id", in: &resources)
      try Self.insert(ComparisonKey(document.userName).text, line, "userName", in: &userNames)
      users.insert(user.content.id.user)
    case .group(let group):
      let document = try group.document(schemas: schemas)
      try Self.insert(group.content.id, line, "id", in: &resources)
      if settings.duplicateGroupNames == .reject {
        try Self.insert(ComparisonKey(document.displayName).text, line, "displayName", in: &groupNames)
      }
      groups.insert(group.content.id.group)
    case .members(let content):
      guard groups.contains(content.group) else { throw WorkspaceLineError("The group \(content.group) is in no earlier line.") }
      if let unknown = content.members.first(where: { !users.contains($0) }) {
        throw WorkspaceLineError("The member \(unknown) is in no earlier line.")
      }
    case .account(let content):
      try Self.insert(content.account.id, line, "id", in: &accounts)
      try Self.insert(ComparisonKey(content.account.email).text, line, "email", in: &accountEmails)
      if let id = content.account.externalID { try Self.insert(id, line, "externalId", in: &accountExternalIDs) }
      if let user = content.user, !users.contains(user) { throw WorkspaceLineError("The user \(user) is in no earlier line.") }
    }
  }

  private static func insert<Key: Hashable>(
    _ key: Key, _ line: Int, _ name: String, in lines: inout [Key: Int]
  ) throws(WorkspaceLineError) {
    if let other = lines[key] { throw WorkspaceLineError("Line \(other) has the \(name), too.") }
    lines[key] = line
  }
}
