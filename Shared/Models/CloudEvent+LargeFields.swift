import Foundation

extension CloudEvent {
  /// The extension attribute that names the omitted fields, separated by commas. The data has the same names under `omitted`.
  ///
  /// Fields are omitted if the broker rejects an event for its size.
  public static let omittedAttribute = "omitted"

  /// The event without its large fields; `nil` if it has none, or if they were omitted before.
  ///
  /// The id, type and version stay the same, so that consumers see no gap. ``omittedAttribute`` names the omitted fields.
  ///
  /// - Throws: ``MessageError`` if the data is malformed, or the error of the encoder.
  public func withoutLargeFields() throws -> CloudEvent? {
    guard extensions[Self.omittedAttribute] == nil else { return nil }
    if type.hasPrefix("rollcall.directory.") {
      var event = try DirectoryEvent(self)
      return try reduced(&event, \.omitted) { try $0.omitLargeFields() }
    }
    if type.hasPrefix("rollcall.invitation."), type != "rollcall.invitation.ordered.v1" {
      var event = try InvitationEvent(self)
      return try reduced(&event, \.omitted) { $0.omitLargeFields() }
    }
    switch try IdentityEvent(known: self) {
    case .userChanged(var event)?: return try reduced(&event, \.omitted) { try $0.omitLargeFields() }
    case .groupChanged(var event)?: return try reduced(&event, \.omitted) { $0.omitLargeFields() }
    case .workspaceChanged(var event)?: return try reduced(&event, \.omitted) { try $0.omitLargeFields() }
    case .changeHeld(var event)?: return try reduced(&event, \.omitted) { $0.omitLargeFields() }
    case .invitationOrdered(var event)?: return try reduced(&event, \.omitted) { $0.omitLargeFields() }
    case .signInRefused?, .webhookChanged?, .webhookOrdered?, .workspaceAlert?, nil: return nil
    }
  }

  private func reduced<Event: Encodable>(
    _ event: inout Event, _ omitted: WritableKeyPath<Event, [String]?>, _ omit: (inout Event) throws -> [String]
  ) throws -> CloudEvent? {
    let names = try omit(&event)
    guard !names.isEmpty else { return nil }
    event[keyPath: omitted] = names
    var reduced = self
    reduced.extensions[Self.omittedAttribute] = names.joined(separator: ",")
    reduced.data = try JSONData.encode(event)
    return reduced
  }
}

extension IdentityEvent {
  /// `nil` if the event is of another type.
  fileprivate init?(known event: CloudEvent) throws(MessageError) {
    do {
      try self.init(event)
    } catch .unknownType {
      return nil
    } catch .newerVersion {
      return nil
    }
  }
}

/// Omits the large fields of an event and collects their names.
struct LargeFields {
  private(set) var omitted: [String] = []

  /// The longest text that is not large, in UTF-8 bytes.
  static let limit = 1024
  /// The longest JSON of a list that is not large, in bytes.
  static let listLimit = 16 * limit
  /// How many characters of a required text are kept.
  private static let head = 256

  mutating func omit(_ text: inout String?, _ name: String) {
    guard let value = text, value.utf8.count > Self.limit else { return }
    text = nil
    omitted.append(name)
  }

  /// Truncates a large text that the event must have.
  mutating func shorten(_ text: inout String, _ name: String) {
    guard text.utf8.count > Self.limit else { return }
    var head = text.prefix(Self.head)
    while head.utf8.count > Self.limit { head = head.prefix(head.count / 2) }
    text = head + "…"
    omitted.append(name)
  }

  /// Omits a value whose JSON is large.
  mutating func omit(_ value: inout (some Encodable)?, _ name: String, longerThan limit: Int = Self.limit) throws {
    guard let present = value, try JSONData.encode(present).count > limit else { return }
    value = nil
    omitted.append(name)
  }

  /// Empties a list whose JSON is large.
  mutating func empty<Value: Encodable>(_ values: inout [Value], _ name: String) throws {
    guard try JSONData.encode(values).count > Self.listLimit else { return }
    values = []
    omitted.append(name)
  }
}

extension UserChanged {
  /// Omits the large fields of the profile.
  fileprivate mutating func omitLargeFields() throws -> [String] {
    var fields = LargeFields()
    fields.omit(&user.userName, "userName")
    fields.omit(&user.displayName, "displayName")
    fields.omit(&user.givenName, "givenName")
    fields.omit(&user.familyName, "familyName")
    fields.omit(&user.email, "email")
    fields.omit(&user.language, "language")
    fields.omit(&user.role, "role")
    fields.omit(&user.externalID, "externalId")
    fields.omit(&user.accountID, "accountId")
    fields.omit(&user.title, "title")
    fields.omit(&user.department, "department")
    try fields.omit(&user.manager, "manager")
    try fields.omit(&user.attributes, "attributes")
    return fields.omitted
  }

  /// Whether the user has this field but the event omits it.
  public func omits(_ field: String) -> Bool { omitted?.contains(field) ?? false }
}

extension GroupChanged {
  /// Truncates the name. The members stay, because their number is bounded.
  fileprivate mutating func omitLargeFields() -> [String] {
    var fields = LargeFields()
    fields.shorten(&displayName, "displayName")
    fields.omit(&externalID, "externalID")
    return fields.omitted
  }

  /// Whether the event has only the beginning of this field.
  public func omits(_ field: String) -> Bool { omitted?.contains(field) ?? false }
}

extension WorkspaceChanged {
  fileprivate mutating func omitLargeFields() throws -> [String] {
    var fields = LargeFields()
    fields.shorten(&settings.name, "name")
    try fields.empty(&settings.customRoles, "customRoles")
    try fields.empty(&settings.customDomains, "customDomains")
    try fields.empty(&settings.extensions, "extensions")
    return fields.omitted
  }

  /// The settings, with omitted fields taken from the previous settings.
  public func settings(after previous: WorkspaceSettings?) -> WorkspaceSettings {
    guard let omitted, let previous else { return settings }
    var merged = settings
    if omitted.contains("name") { merged.name = previous.name }
    if omitted.contains("customRoles") { merged.customRoles = previous.customRoles }
    if omitted.contains("customDomains") { merged.customDomains = previous.customDomains }
    if omitted.contains("extensions") { merged.extensions = previous.extensions }
    return merged
  }
}

extension ChangeHeld {
  fileprivate mutating func omitLargeFields() -> [String] {
    var fields = LargeFields()
    fields.shorten(&name, "name")
    return fields.omitted
  }
}

extension InvitationOrdered {
  /// Omits the texts of the template. The order cannot be carried out without them.
  fileprivate mutating func omitLargeFields() -> [String] {
    guard case .setTemplate(let template) = order else { return [] }
    order = .setTemplate(InvitationTemplate(language: template.language))
    return ["template"]
  }
}

extension InvitationEvent {
  fileprivate mutating func omitLargeFields() -> [String] {
    var fields = LargeFields()
    fields.shorten(&reason, "reason")
    return fields.omitted
  }
}
