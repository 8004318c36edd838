import EdgeHTTP
import EdgeReads
import HTTPTypes
import Hummingbird

/// The second lock beside a form's token, and the one before there is a session: the browser says which site a form was sent from.
enum FormOrigin {
  /// - Throws: 403 where `request` was sent by a page of another site.
  static func check(_ request: Request, at site: Site, _ origin: Origin) throws(APIError) {
    // Fetch Metadata: every browser of today sends it over TLS, and no page can change it. 'none' is a person's own doing.
    if let name = secFetchSite, let from = request.headers[name], !["same-origin", "none"].contains(from) { throw foreign(from) }
    guard let sender = request.headers[.origin]?.lowercased() else { return }
    guard sender == site.url.lowercased() || sender == "\(origin.scheme)://\(origin.authority)" else { throw foreign(sender) }
  }

  /// Whether a request that brings no session may have one opened, where a proxy vouches for the person: what other sites put into their
  /// pages may not, nor may a form of theirs; a link that was followed may.
  static func mayOpenSession(_ request: Request) -> Bool {
    guard let name = secFetchSite, let from = request.headers[name], !["same-origin", "none"].contains(from) else { return true }
    func says(_ name: HTTPField.Name?, _ value: String) -> Bool { name.map { request.headers[$0] == value } ?? false }
    return [.get, .head].contains(request.method) && says(secFetchMode, "navigate") && says(secFetchDest, "document")
  }

  private static let secFetchMode = HTTPField.Name("Sec-Fetch-Mode")
  private static let secFetchDest = HTTPField.Name("Sec-Fetch-Dest")
  private static let secFetchSite = HTTPField.Name("Sec-Fetch-Site")

  private static func foreign(_ sender: String) -> APIError {
    APIError(
      403,
      "The form was sent from another site ('\(sender.prefix(100))'). Nothing was changed. Open the console's page again and repeat it there."
    )
  }
}
