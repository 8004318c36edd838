import Models
import Postgres
import SCIM

/// The SQL expression of an attribute in a filter or sort order.
package enum StoredAttribute {
  /// Text, and the column of its comparison key if there is one.
  case text(String, key: String? = nil)
  /// A `uuid`, which is sent as text.
  case id(String)
  /// A `timestamptz`, which is sent in milliseconds.
  case time(String)
  /// The time of the last modification, a `timestamptz` that is indexed in a table of its own: ``StoredKind/modifications``.
  case modification
  /// A boolean.
  case truth(String)
  /// The values at a path of the document.
  case document
  /// The membership rows.
  case rows
  /// Not stored for this resource type.
  case nowhere
}

/// The tables of a resource type. Conditions use the aliases `r` for the resource, `d.body` for its document as `jsonb`, `m` for one of its
/// memberships, and `o` for the resource at the other end of that.
package struct StoredKind {
  /// The resource type.
  package let kind: ResourceKind
  private let baseURL: String

  /// Creates the tables of a resource type.
  ///
  /// - Parameters:
  ///   - kind: The resource type.
  ///   - baseURL: The base URL of `meta.location` and `$ref`, without a trailing slash.
  package init(_ kind: ResourceKind, baseURL: String) {
    self.kind = kind
    self.baseURL = baseURL
  }

  /// Returns the expression of an attribute, and binds the parameters that it needs.
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
    case "lastModified": .modification
    case "location": .text("\(location(kind, &parameters)) || r.id::text")
    case "version": .text("'W/\"' || r.version || '\"'")
    default: .nowhere
    }
  }

  /// Binds the URL that precedes the ids of a resource type.
  private func location(_ kind: ResourceKind, _ parameters: inout BoundParameters) -> String {
    parameters.bind(.text("\(baseURL)/\(kind.endpoint)/"))
  }

  /// Returns the expression of a sub-attribute of a membership row.
  package func rowPart(_ name: String?, _ parameters: inout BoundParameters) -> StoredAttribute {
    switch (name, kind) {
    case ("value", _): .id("o.id")
    case ("$ref", _): .text("\(location(kind.referred, &parameters)) || o.id::text")
    case ("display", _): .text("nullif(o.display_name, '')")
    case ("type", .group): .text("'User'")
    default: .nowhere
    }
  }

  /// The view with one row for each resource: its last modification.
  package static let modifications = "identity_read.modifications"

  /// The condition that a row of ``modifications`` is one of this resource type in the workspace.
  package func isModification(_ alias: String) -> String {
    "\(alias).workspace_id = $1 and \(alias).type = '\(kind.rawValue)'"
  }

  /// The membership rows of `r`, from `from` to the last condition.
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
