import Foundation

extension CloudEvent {
  /// The extension attribute that names the fields that were left out of an event because the broker rejected it for its size, separated
  /// by commas. The data has the same names under `omitted`.
  public static let omittedAttribute = "omitted"

  /// The event without its large fields, under the same id, type and version, so that consumers see no gap; nil where the type has no large
  /// fields, or they are left out already. ``omittedAttribute`` names what is missing.
  ///
  /// - Throws: ``MessageError``, or the encoder's error, where the data is not what the type promises.
  public func withoutLargeFields() throws -> CloudEvent? {
    guard extensions[Self.omittedAttribute] == nil else { return nil }
    if type.hasPrefix("rollcall.directory.") {
      var event = try DirectoryEvent(self)
      return try reduced(&event, \.omitted) { $0.omitLargeFields() }
    }
    if type.hasPrefix("rollcall.invitation."), type != "rollcall.invitation.ordered.v1" {
      var event = try InvitationEvent(self)
      return try reduced(&event, \.omitted) { $0.omitLargeFields() }
    }
    switch try IdentityEvent(known: self) {
    case .userChanged(var event)?: return try reduced(&event, \.omitted) { $0.omitLargeFields() }
    case .groupChanged(var event)?: return try reduced(&event, \.omitted) { $0.omitLargeFields() }
    case .workspaceChanged(var event)?: return try reduced(&event, \.omitted) { try $0.omitLargeFields() }
    case .changeHeld(var event)?: return try reduced(&event, \.omitted) { $0.omitLargeFields() }
    case .invitationOrdered(var event)?: return try reduced(&event, \.omitted) { $0.omitLargeFields() }
    case .signInRefused?, nil: return nil
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
  /// nil where the event is none of these.
  fileprivate init?(known event: CloudEvent) throws(MessageError) {
    do {
      try self.init(event)
    } catch .unknownType {
      return nil
    }
  }
}

/// Leaves large fields out of an event, and takes note of their names.
struct LargeFields {
  private(set) var omitted: [String] = []

  /// In UTF-8 bytes.
  private static let limit = 1024
  /// How much is kept of a text that an event must have.
  private static let head = 256

  mutating func omit(_ text: inout String?, _ name: String) {
    guard let value = text, value.utf8.count > Self.limit else { return }
    text = nil
    omitted.append(name)
  }

  /// Keeps the first characters of a text that the event must have.
  mutating func shorten(_ text: inout String, _ name: String) {
    guard text.utf8.count > Self.limit else { return }
    var head = text.prefix(Self.head)
    while head.utf8.count > Self.limit { head = head.prefix(head.count / 2) }
    text = head + "…"
    omitted.append(name)
  }

  /// Empties a list that is large when it is encoded.
  mutating func empty<Value: Encodable>(_ values: inout [Value], _ name: String) throws {
    guard try JSONData.encode(values).count > 16 * Self.limit else { return }
    values = []
    omitted.append(name)
  }
}

extension UserChanged {
  /// Leaves out every part of the profile that is large.
  fileprivate mutating func omitLargeFields() -> [String] {
    var fields = LargeFields()
    fields.omit(&user.userName, "userName")
    fields.omit(&user.displayName, "displayName")
    fields.omit(&user.givenName, "givenName")
    fields.omit(&user.familyName, "familyName")
    fields.omit(&user.email, "email")
    fields.omit(&user.language, "language")
    fields.omit(&user.role, "role")
    return fields.omitted
  }

  /// Whether the event lacks this field, which the person has.
  public func omits(_ field: String) -> Bool { omitted?.contains(field) ?? false }
}

extension GroupChanged {
  /// Shortens the name; the members stay, since their number is bounded.
  fileprivate mutating func omitLargeFields() -> [String] {
    var fields = LargeFields()
    fields.shorten(&displayName, "displayName")
    fields.omit(&externalID, "externalID")
    return fields.omitted
  }

  /// Whether the event has but the beginning of this field.
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

  /// The settings, with what the event lacks taken from those before it.
  public func settings(after previous: WorkspaceSettings?) -> WorkspaceSettings {
    guard let omitted, let previous else { return settings }
    var whole = settings
    if omitted.contains("name") { whole.name = previous.name }
    if omitted.contains("customRoles") { whole.customRoles = previous.customRoles }
    if omitted.contains("customDomains") { whole.customDomains = previous.customDomains }
    if omitted.contains("extensions") { whole.extensions = previous.extensions }
    return whole
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
  /// Leaves out the template's texts: without them the order cannot be carried out.
  fileprivate mutating func omitLargeFields() -> [String] {
    guard case .setTemplate(let template) = order else { return [] }
    order = .setTemplate(InvitationTemplate(language: template.language))
    return ["template"]
  }
}

extension DirectoryEvent {
  fileprivate mutating func omitLargeFields() -> [String] {
    var fields = LargeFields()
    fields.omit(&displayName, "displayName")
    fields.omit(&email, "email")
    fields.omit(&role, "role")
    return fields.omitted
  }
}

extension InvitationEvent {
  fileprivate mutating func omitLargeFields() -> [String] {
    var fields = LargeFields()
    fields.shorten(&reason, "reason")
    return fields.omitted
  }
}
