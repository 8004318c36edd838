import EdgeHTTP
import EdgeReads
import Models
import ProvisioningLog

/// What a logged request wanted, in words.
enum RequestWords {
  /// `Create person`
  static func purpose(_ entry: LogEntry) -> String {
    if entry.unverified != nil { return "Unverified sender" }
    if entry.path.hasSuffix("/Bulk") { return "Bulk request" }
    if entry.path.hasSuffix("/.search") { return "Search" }
    if entry.path.hasPrefix("/api/v2/sign-ins") { return "Sign-in" }
    let kind =
      switch entry.resourceType {
      case .user: "person"
      case .group: "group"
      case nil: "something unknown"
      }
    switch entry.method {
    case "POST": return "Create \(kind)"
    case "PUT": return "Replace \(kind)"
    case "PATCH": return "Change \(kind)"
    case "DELETE": return "Delete \(kind)"
    case "GET", "HEAD": return "Look up \(kind)"
    default: return "\(entry.method) \(kind)"
    }
  }

  /// The path without what every one begins with, and with the beginning of an id alone.
  static func path(_ entry: LogEntry) -> String {
    let path = entry.path.hasPrefix(ResourcePath.base + "/") ? entry.path.dropFirst(ResourcePath.base.count) : entry.path[...]
    let short = path.split(separator: "/", omittingEmptySubsequences: false).map { segment in
      ResourceID(segment) == nil ? segment : segment.prefix(8) + "…"
    }.joined(separator: "/")
    return short.count > 80 ? short.prefix(79) + "…" : short
  }

  /// What was asked for: method and path, or how many requests an entry sums up.
  static func request(_ entry: LogEntry, path: String) -> String {
    entry.unverified.map { ProvisioningText.count($0.requests, "request", "requests") } ?? "\(entry.method) \(path)"
  }

  /// What a status is shown as beside its number.
  static func tone(_ entry: LogEntry) -> String {
    if entry.status >= 400 { return "bad" }
    return entry.isFailure || entry.isPartlyApplied || entry.relink == .reassigned ? "warn" : "good"
  }

  static func answer(_ entry: LogEntry) -> String {
    if let operations = entry.operations, operations.failed > 0 {
      let all = ProvisioningText.count(operations.count, "operation", "operations")
      return "\(ProvisioningText.number(operations.failed)) of \(all) failed"
    }
    if entry.relink != nil { return "Relinked" }
    if entry.isPartlyApplied { return "Partly applied" }
    return entry.status < 400 ? "Done" : "Refused"
  }
}

/// What a normalisation made up for, in words.
enum NormalisationWords {
  static func text(_ name: String) -> String { words[name] ?? name }

  static let words = [
    "single-object-for-array": "One value where a list is meant was taken as a list of one.",
    "text-for-boolean": "“True” or “False” as text was read as true or false.",
    "text-for-number": "A number as text was read as the number.",
    "number-for-text": "A number where text is meant was taken as text.",
    "manager-as-text": "A manager's id as plain text was read as the manager.",
    "text-for-complex-value": "A plain value, such as an address, was taken for an attribute that has parts.",
    "role-as-json-text": "A role that came as JSON inside of text was read.",
    "missing-schemas": "The list of schemas was missing or incomplete, and was completed.",
    "foreign-schemas": "Schemas that nobody here knows were left out.",
    "unqualified-extension-attribute": "An extension's attribute without its schema was given the schema.",
    "role-under-other-namespace": "The role under another schema's name was read.",
    "unknown-path": "An attribute that no schema has was left out, so that the rest could be done.",
    "upper-case-operation": "The operation's name in capitals was understood.",
    "read-only-in-patch-value": "Attributes that cannot be written were left out of the change.",
    "removal-by-value": "Only the values that were named were removed, not all.",
    "dotted-extension": "A dot in an attribute's name was read as the colon that is meant.",
    "paths-as-keys": "Names such as “name.givenName” as keys were read as the paths they are.",
    "filtered-replace-creates": "A value that was to be replaced and was not there yet was added.",
    "text-for-boolean-in-filter": "“True” as text in a filter was read as true.",
  ]
}
