import Foundation
import Models
import SCIM

/// The members of an object in a workspace's file, each read with a check of its type.
public struct RecordFields: Sendable {
  private let values: JSONObject

  /// Parses a line.
  ///
  /// - Throws: ``WorkspaceLineError`` if it is no JSON object.
  public init(line: [UInt8]) throws(WorkspaceLineError) {
    let json: JSON
    do throws(JSONSyntaxError) {
      json = try JSON(parsing: line)
    } catch {
      throw WorkspaceLineError("The line is not JSON: \(error).")
    }
    guard let object = json.object else { throw WorkspaceLineError("The line must be a JSON object, found \(json.summary).") }
    values = object
  }

  private init(_ values: JSONObject) { self.values = values }

  /// The text of a member; `nil` if it is missing or null.
  public func optionalText(_ name: String) throws(WorkspaceLineError) -> String? {
    switch values[name] {
    case nil, .null?: return nil
    case .string(let text)?: return text
    case let other?: throw WorkspaceLineError("\(name) must be a string, found \(other.summary).")
    }
  }

  /// The text of a member.
  public func text(_ name: String) throws(WorkspaceLineError) -> String {
    guard let text = try optionalText(name) else { throw WorkspaceLineError("\(name) is missing.") }
    return text
  }

  /// The value of a member that is a whole number.
  public func integer(_ name: String) throws(WorkspaceLineError) -> Int64 {
    guard let number = values[name]?.integer else { throw WorkspaceLineError("\(name) must be a whole number.") }
    return number
  }

  /// The fields of a member that is an object.
  public func object(_ name: String) throws(WorkspaceLineError) -> RecordFields {
    guard let object = values[name]?.object else { throw WorkspaceLineError("\(name) must be an object.") }
    return RecordFields(object)
  }

  func optionalTime(_ name: String) throws(WorkspaceLineError) -> Date? {
    guard let text = try optionalText(name) else { return nil }
    guard let time = Timestamp.date(text) else { throw WorkspaceLineError("\(name) is '\(text.prefix(50))'; expected a time in RFC 3339.") }
    return time
  }

  /// The time of a member.
  public func time(_ name: String) throws(WorkspaceLineError) -> Date {
    guard let time = try optionalTime(name) else { throw WorkspaceLineError("\(name) is missing.") }
    return time
  }

  func optionalID<Subject>(_ name: String) throws(WorkspaceLineError) -> Identifier<Subject>? {
    guard let text = try optionalText(name) else { return nil }
    guard let id = Identifier<Subject>(text) else { throw WorkspaceLineError("\(name) is '\(text.prefix(50))'; expected a UUID.") }
    return id
  }

  func id<Subject>(_ name: String) throws(WorkspaceLineError) -> Identifier<Subject> {
    let found: Identifier<Subject>? = try optionalID(name)
    guard let found else { throw WorkspaceLineError("\(name) is missing.") }
    return found
  }
}

extension RecordFields {
  func workspace() throws(WorkspaceLineError) -> WorkspaceRecordLine.WorkspaceContent {
    guard let value = values["settings"] else { throw WorkspaceLineError("settings is missing.") }
    let settings: WorkspaceSettings
    do throws(MessageError) {
      settings = try JSONData.decode(from: value.serialized(), type: "settings")
    } catch {
      throw WorkspaceLineError("The settings cannot be read: \(error).")
    }
    return WorkspaceRecordLine.WorkspaceContent(
      id: try id("id"), settings: settings, createdAt: try time("createdAt"), modifiedAt: try time("modifiedAt"))
  }

  func content() throws(WorkspaceLineError) -> WorkspaceRecordLine.ResourceContent {
    let version = try integer("version")
    guard (1..<Restatement.lastVersion / 2).contains(version) else {
      throw WorkspaceLineError("version is \(version); versions are counted from 1.")
    }
    guard let resource = values["resource"], resource.object != nil else { throw WorkspaceLineError("resource must be a SCIM resource.") }
    return WorkspaceRecordLine.ResourceContent(
      id: try id("id"), version: version, createdAt: try time("createdAt"), modifiedAt: try time("modifiedAt"), resource: resource)
  }

  func user() throws(WorkspaceLineError) -> WorkspaceRecordLine.UserContent {
    let stateText = try text("state")
    guard let state = UserState(rawValue: stateText) else {
      throw WorkspaceLineError(
        "state is '\(stateText.prefix(50))'; expected one of \(UserState.allCases.map(\.rawValue).joined(separator: ", ")).")
    }
    let account = try optionalText("accountId")
    if let account, account.isEmpty || account.utf8.count > TextBounds.name {
      throw WorkspaceLineError("accountId must have 1 to \(TextBounds.name) bytes.")
    }
    return WorkspaceRecordLine.UserContent(
      content: try content(), state: state, role: try text("role"), firstSignedInAt: try optionalTime("firstSignedInAt"),
      accountID: account)
  }

  func members() throws(WorkspaceLineError) -> WorkspaceRecordLine.MembersContent {
    guard let values = values["members"]?.array, (1...WorkspaceRecordLine.MembersContent.maximumCount).contains(values.count) else {
      throw WorkspaceLineError("members must be an array of 1 to \(WorkspaceRecordLine.MembersContent.maximumCount) ids.")
    }
    var members: [UserID] = []
    for value in values {
      guard let member = value.string.flatMap({ UserID($0) }) else {
        throw WorkspaceLineError("members has an element that is no id of a user.")
      }
      members.append(member)
    }
    return WorkspaceRecordLine.MembersContent(group: try id("group"), members: members)
  }

  func account() throws(WorkspaceLineError) -> WorkspaceRecordLine.AccountContent {
    let stateText = try text("state")
    guard let state = ImportedAccount.State(rawValue: stateText), state != .deleted else {
      throw WorkspaceLineError("state is '\(stateText.prefix(50))'; expected active or disabled.")
    }
    let account = ImportedAccount(id: try text("id"), email: try text("email"), externalID: try optionalText("externalId"), state: state)
    if let fault = account.fault { throw WorkspaceLineError(fault) }
    return WorkspaceRecordLine.AccountContent(account: account, user: try optionalID("user"), importedAt: try time("importedAt"))
  }

  func template() throws(WorkspaceLineError) -> InvitationTemplate {
    InvitationTemplate(
      language: try text("language"), subject: try optionalText("subject"), text: try optionalText("text"), html: try optionalText("html"))
  }

  func webhook() throws(WorkspaceLineError) -> WorkspaceRecordLine.WebhookContent {
    var types: [String]?
    switch values["types"] {
    case nil, .null?: types = nil
    case .array(let names)?: types = names.compactMap(\.string)
    case let other?: throw WorkspaceLineError("types must be an array, found \(other.summary).")
    }
    return WorkspaceRecordLine.WebhookContent(
      id: try id("id"),
      subscription: WebhookSubscription(url: try text("url"), description: try optionalText("description") ?? "", types: types))
  }
}
