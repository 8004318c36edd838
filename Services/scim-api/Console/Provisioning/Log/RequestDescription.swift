import EdgeHTTP
import EdgeReads
import Models
import ProvisioningLog

/// Describes logged requests.
enum RequestDescription {
  /// The purpose of a request, such as `Create person`.
  static func purpose(of entry: LogEntry) -> String {
    if entry.unverified != nil { return "Unverified sender" }
    if entry.path.hasSuffix("/Bulk") { return "Bulk request" }
    if entry.path.hasSuffix("/.search") { return "Search" }
    if entry.path.hasPrefix("/api/v2/sign-ins") { return "Sign-in" }
    let kind =
      switch entry.resourceType {
      case .user: "person"
      case .group: "group"
      case nil: "unknown resource"
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

  /// The path without the common prefix, with shortened ids.
  static func shortPath(of entry: LogEntry) -> String {
    let path = entry.path.hasPrefix(ResourcePath.base + "/") ? entry.path.dropFirst(ResourcePath.base.count) : entry.path[...]
    let short = path.split(separator: "/", omittingEmptySubsequences: false).map { segment in
      ResourceID(segment) == nil ? segment : segment.prefix(8) + "…"
    }.joined(separator: "/")
    return short.count > 80 ? short.prefix(79) + "…" : short
  }

  /// Method and path, or the number of requests that the entry summarises.
  static func request(of entry: LogEntry, path: String) -> String {
    entry.unverified.map { ConsoleText.count($0.requests, "request", "requests") } ?? "\(entry.method) \(path)"
  }

  /// The colour of the status.
  static func tone(of entry: LogEntry) -> String {
    if entry.status >= 400 { return "bad" }
    return entry.isFailure || entry.isPartlyApplied || entry.relink == .reassigned ? "warn" : "good"
  }

  /// The result of a request, shown next to the status.
  static func result(of entry: LogEntry) -> String {
    if let operations = entry.operations, operations.failed > 0 {
      let all = ConsoleText.count(operations.count, "operation", "operations")
      return "\(ConsoleText.number(operations.failed)) of \(all) failed"
    }
    if entry.relink != nil { return "Relinked" }
    if entry.isPartlyApplied { return "Partly applied" }
    return entry.status < 400 ? "Done" : "Rejected"
  }
}

/// Describes normalisations.
enum NormalisationDescription {
  /// The description of a normalisation, or its name if there is none.
  static func text(_ name: String) -> String { descriptions[name] ?? name }

  /// The descriptions by name.
  static let descriptions = [
    "single-object-for-array": "A single value was read as a list of one value.",
    "text-for-boolean": "“True” or “False” as text was read as true or false.",
    "text-for-number": "A number as text was read as the number.",
    "number-for-text": "A number was read as text.",
    "manager-as-text": "A manager's id as plain text was read as the manager.",
    "text-for-complex-value": "A plain value, such as an address, was read as a complex attribute.",
    "role-as-json-text": "A role in JSON within a string was read.",
    "missing-schemas": "A missing or incomplete list of schemas was completed.",
    "foreign-schemas": "Unknown schemas were ignored.",
    "unqualified-extension-attribute": "The missing schema of an extension attribute was added.",
    "role-under-other-namespace": "The role was read from another schema's namespace.",
    "unknown-path": "An unknown attribute was ignored, and the rest was applied.",
    "upper-case-operation": "The operation's name was read regardless of case.",
    "read-only-in-patch-value": "Read-only attributes were ignored.",
    "removal-by-value": "Only the listed values were removed, not all.",
    "dotted-extension": "A dot in an attribute's name was read as a colon.",
    "paths-as-keys": "Keys such as “name.givenName” were read as paths.",
    "filtered-replace-creates": "A value that should be replaced but did not exist was added.",
    "text-for-boolean-in-filter": "“True” as text in a filter was read as true.",
  ]
}
