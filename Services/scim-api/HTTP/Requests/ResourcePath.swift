import Models
import SCIM

/// The paths of the API.
package enum ResourcePath {
  /// The SCIM base URL's path.
  package static let base = "/api/v2/scim"
  /// The path for sign-ins.
  package static let signIns = "/api/v2/sign-ins"
  /// The root of the directory's paths.
  package static let directory = "/api/v2/directory"
  /// The path for mail events.
  package static let mailEvents = "/api/v2/mail-events"
  /// The root of the management API's paths.
  package static let admin = "/api/v2/admin"
  /// The root of the events API's paths.
  package static let events = "/api/v2/events"
  /// The path parameter with the id or slug of a workspace.
  package static let workspace = "workspace"
  /// The root of the admin console's paths.
  package static let console = "/console"
  /// The path parameter with the id of a resource.
  package static let id = "id"

  /// Whether `path` is one of the admin console's.
  package static func isConsole(_ path: String) -> Bool { path == console || path.hasPrefix(console + "/") }

  /// Whether `path` is one of the management API's.
  package static func isAdmin(_ path: String) -> Bool { path == admin || path.hasPrefix(admin + "/") }

  /// The protocol version at the start of a path below the base URL (RFC 7644 §3.13), such as `v1`; nil if it has none.
  package static func version(in path: String) -> Substring? {
    guard path.hasPrefix(base + "/") else { return nil }
    let segment = path.dropFirst(base.count + 1).prefix { $0 != "/" }
    guard segment.first == "v", segment.count > 1, segment.dropFirst().allSatisfy({ $0.isNumber || $0 == "." }) else { return nil }
    return segment
  }
}
