import EdgeHTTP
import EdgeReads
import Foundation

/// Paths of the console.
enum ConsolePath {
  /// The path of the first page, and the prefix of all others.
  static let root = "/console"
  static let signIn = "\(root)/sign-in"
  static let link = "\(root)/link"
  static let signOut = "\(root)/sign-out"

  /// Whether `path` is the root or below it.
  static func isConsole(_ path: String) -> Bool { path == root || path.hasPrefix(root + "/") }

  /// The destination after a sign-in: the requested page if it is a page of the console, otherwise the first page. Prevents open redirects.
  static func next(_ requested: String?) -> String {
    guard let requested, requested.utf8.count <= 2000, isConsole(String(requested.prefix { $0 != "?" })), !requested.hasPrefix(signIn),
      !requested.hasPrefix(link), !requested.hasPrefix(signOut),
      // Browsers treat a backslash as a slash and remove line breaks.
      requested.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\\") && $0 != UInt8(ascii: "#") }),
      !requested.contains("//"), !requested.contains("/../"), !requested.contains("/./")
    else { return root }
    return requested
  }

  /// The sign-in page that returns to `path` afterwards.
  static func signIn(for path: String) -> String {
    let next = next(path)
    guard next != root, let encoded = next.addingPercentEncoding(withAllowedCharacters: unreserved) else { return signIn }
    return "\(signIn)?next=\(encoded)"
  }

  /// The unreserved characters of RFC 3986 §2.3, and the slash, which is allowed in a query (§3.4).
  private static let unreserved = CharacterSet(charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/")
}
