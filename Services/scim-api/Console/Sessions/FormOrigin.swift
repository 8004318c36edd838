import EdgeHTTP
import EdgeReads
import HTTPTypes
import Hummingbird

/// Checks which site a form was sent from, by Fetch Metadata and `Origin`. Complements the form token, and protects the forms before the
/// sign-in, which have none.
enum FormOrigin {
  /// - Throws: 403 if `request` was sent by a page of another site.
  static func check(_ request: Request, at site: Site, _ origin: Origin) throws(APIError) {
    // All current browsers send Fetch Metadata over TLS, and pages cannot change it. 'none' means that the user typed or bookmarked the URL.
    if let name = secFetchSite, let from = request.headers[name], !["same-origin", "none"].contains(from) { throw crossSite(from) }
    guard let sender = request.headers[.origin]?.lowercased() else { return }
    guard sender == site.url.lowercased() || sender == "\(origin.scheme)://\(origin.authority)" else { throw crossSite(sender) }
  }

  /// Whether a request without a session may open one for a person whom a proxy authenticated. Requests that other sites embed or submit may
  /// not; a followed link may.
  static func mayOpenSession(_ request: Request) -> Bool {
    guard let name = secFetchSite, let from = request.headers[name], !["same-origin", "none"].contains(from) else { return true }
    func has(_ name: HTTPField.Name?, _ value: String) -> Bool { name.map { request.headers[$0] == value } ?? false }
    return [.get, .head].contains(request.method) && has(secFetchMode, "navigate") && has(secFetchDest, "document")
  }

  private static let secFetchMode = HTTPField.Name("Sec-Fetch-Mode")
  private static let secFetchDest = HTTPField.Name("Sec-Fetch-Dest")
  private static let secFetchSite = HTTPField.Name("Sec-Fetch-Site")

  private static func crossSite(_ sender: String) -> APIError {
    APIError(
      403,
      "The form was sent from another site ('\(sender.prefix(100))'). Nothing was changed. Open the page in the console and repeat the change there."
    )
  }
}
