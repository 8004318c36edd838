import Models
import SCIM

/// Where things are on the server.
enum ResourcePath {
  static let base = "/api/v2/scim"
  static let signIns = "/api/v2/sign-ins"
  static let directory = "/api/v2/directory"
  static let mailEvents = "/api/v2/mail-events"
  /// The parameter of a path that names one of many.
  static let id = "id"

  /// The version of the protocol that a path names behind the base URL (RFC 7644 §3.13): `v1`; nil where it names none.
  static func version(in path: String) -> Substring? {
    guard path.hasPrefix(base + "/") else { return nil }
    let segment = path.dropFirst(base.count + 1).prefix { $0 != "/" }
    guard segment.first == "v", segment.count > 1, segment.dropFirst().allSatisfy({ $0.isNumber || $0 == "." }) else { return nil }
    return segment
  }
}
