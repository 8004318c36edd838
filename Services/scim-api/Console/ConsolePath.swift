import EdgeHTTP
import EdgeReads
import Foundation

/// Paths of the console.
enum ConsolePath {
  static let signIn = "\(Console.path)/sign-in"
  static let link = "\(Console.path)/link"
  static let signOut = "\(Console.path)/sign-out"

  static func isOfConsole(_ path: String) -> Bool { path == Console.path || path.hasPrefix(Console.path + "/") }

  /// Where somebody who has signed in is sent: to the page that they wanted, if it is one of the console, else to where that begins. So no
  /// link leads by way of the sign-in to another site.
  static func next(_ wanted: String?) -> String {
    guard let wanted, wanted.utf8.count <= 2000, isOfConsole(String(wanted.prefix { $0 != "?" })), !wanted.hasPrefix(signIn),
      !wanted.hasPrefix(link), !wanted.hasPrefix(signOut),
      // A browser takes a backslash for a slash, and leaves out line breaks.
      wanted.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\\") && $0 != UInt8(ascii: "#") }), !wanted.contains("//"),
      !wanted.contains("/../"), !wanted.contains("/./")
    else { return Console.path }
    return wanted
  }

  /// The page to sign in at, and to come back from to `path`.
  static func signIn(for path: String) -> String {
    let next = next(path)
    guard next != Console.path, let encoded = next.addingPercentEncoding(withAllowedCharacters: unreserved) else { return signIn }
    return "\(signIn)?next=\(encoded)"
  }

  /// RFC 3986 §2.3, and what a query may hold of a path (§3.4).
  private static let unreserved = CharacterSet(charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/")
}
