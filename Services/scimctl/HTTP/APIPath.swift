import Foundation

/// The path of a route, without the server.
struct APIPath: Sendable, Equatable, CustomStringConvertible {
  /// The encoded path, such as `/api/v2/admin/workspaces/acme`.
  let description: String

  /// A path below `/api/v2/admin`.
  static func admin(_ segments: String...) -> APIPath { APIPath(segments, below: "/api/v2/admin") }

  /// A path below `/api/v2/admin`.
  static func admin(_ segments: [String]) -> APIPath { APIPath(segments, below: "/api/v2/admin") }

  /// A path of a workspace, below `/api/v2/admin/workspaces/{workspace}`.
  static func workspace(_ workspace: String, _ segments: String...) -> APIPath {
    APIPath([workspace] + segments, below: "/api/v2/admin/workspaces")
  }

  /// A path of a workspace, below `/api/v2/admin/workspaces/{workspace}`.
  static func workspace(_ workspace: String, _ segments: [String]) -> APIPath {
    APIPath([workspace] + segments, below: "/api/v2/admin/workspaces")
  }

  /// A path below `/api/v2`, such as that of the events.
  static func api(_ segments: String...) -> APIPath { APIPath(segments, below: "/api/v2") }

  private init(_ segments: [String], below root: String) {
    description = segments.reduce(root) { $0 + "/" + Self.encoded($1) }
  }

  /// Encodes a text as a path segment or as a value of the query: only unreserved characters (RFC 3986 §2.3) stay.
  static func encoded(_ text: String) -> String {
    var encoded = ""
    for byte in text.utf8 {
      let character = Character(UnicodeScalar(byte))
      if byte < 0x80, character.isLetter || character.isNumber || "-._~".contains(character) {
        encoded.append(character)
      } else {
        encoded += "%" + String(byte >> 4, radix: 16, uppercase: true) + String(byte & 15, radix: 16, uppercase: true)
      }
    }
    return encoded
  }
}
