import Models
import Postgres
import SCIM

/// Where the store has what a filter or a sort order speaks of, as SQL.
package enum StoredAttribute {
  /// Text.
  /// - key: Its comparison key, where that is stored.
  case text(String, key: String? = nil)
  /// A `uuid`, which is sent as text.
  case id(String)
  /// A `timestamptz`, which is sent to the millisecond.
  case time(String)
  case truth(String)
  /// One of the values at a path of the document.
  case document
  /// The rows of memberships.
  case rows
  /// No resource of the kind has it.
  case nowhere
}

/// The tables of one kind of resource, under the aliases that conditions use: `r` the resource, `d.body` its document as `jsonb`, `m` one of
/// its memberships, `o` the resource at the other end of it.
package struct StoredKind {
  package let kind: ResourceKind
  private let baseURL: String

  /// - Parameter baseURL: without a slash at its end.
  package init(_ kind: ResourceKind, baseURL: String) {
    self.kind = kind
    self.baseURL = baseURL
  }

  package func attribute(_ attribute: FilterAttribute, _ parameters: inout BoundParameters) -> StoredAttribute {
    guard attribute.schemaExtension == nil else { return .document }
    switch (attribute.definition.name, attribute.subAttribute?.name, kind) {
    case ("id", nil, _): return .id("r.id")
    case ("externalId", nil, _): return .text("r.external_id")
    case ("meta", let part?, _): return meta(part, &parameters)
    case ("userName", nil, .user): return .text("r.user_name", key: "r.user_name_key")
    case ("active", nil, .user): return .truth("(r.state <> 'disabled')")
    case ("displayName", nil, .group): return .text("r.display_name", key: "r.display_name_key")
    case (kind.rowAttribute, _, _): return .rows
    case ("password", _, _): return .nowhere
    default: return .document
    }
  }

  private func meta(_ part: String, _ parameters: inout BoundParameters) -> StoredAttribute {
    switch part {
    case "resourceType": .text(kind == .user ? "'User'" : "'Group'")
    case "created": .time("r.created_at")
    case "lastModified": .time("r.modified_at")
    case "location": .text("\(location(kind, &parameters)) || r.id::text")
    case "version": .text("'W/\"' || r.version || '\"'")
    default: .nowhere
    }
  }

  /// What stands for the URL that ids of a kind stand behind.
  private func location(_ kind: ResourceKind, _ parameters: inout BoundParameters) -> String {
    parameters.bind(.text("\(baseURL)/\(kind.endpoint)/"))
  }

  /// A part of one of the rows.
  package func rowPart(_ name: String?, _ parameters: inout BoundParameters) -> StoredAttribute {
    switch (name, kind) {
    case ("value", _): .id("o.id")
    case ("$ref", _): .text("\(location(kind.referred, &parameters)) || o.id::text")
    case ("display", _): .text("nullif(o.display_name, '')")
    case ("type", .group): .text("'User'")
    default: .nowhere
    }
  }

  /// The rows of `r`.
  package var rows: String {
    let (owner, other) = kind == .user ? ("user_id", "group_id") : ("group_id", "user_id")
    return """
      from identity_read.memberships m
      join identity_read.\(kind.referred.table) o on o.workspace_id = m.workspace_id and o.id = m.\(other)
      where m.workspace_id = r.workspace_id
      and m.\(owner) = r.id
      """
  }
}
