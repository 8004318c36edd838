import HTTPTypes
import Hummingbird

/// The second lock beside a form's token, and the one before there is a session: the browser says which site a form was sent from.
enum FormOrigin {
  /// - Throws: 403 where `request` was sent by a page of another site.
  static func check(_ request: Request, at site: Site, _ origin: Origin) throws(Refusal) {
    // Fetch Metadata: every browser of today sends it over TLS, and no page can change it. 'none' is a person's own doing.
    if let name = secFetchSite, let from = request.headers[name], !["same-origin", "none"].contains(from) { throw foreign(from) }
    guard let sender = request.headers[.origin]?.lowercased() else { return }
    guard sender == site.url.lowercased() || sender == "\(origin.scheme)://\(origin.authority)" else { throw foreign(sender) }
  }

  private static let secFetchSite = HTTPField.Name("Sec-Fetch-Site")

  private static func foreign(_ sender: String) -> Refusal {
    Refusal(
      403,
      "The form was sent from another site ('\(sender.prefix(100))'). Nothing was changed. Open the console's page again and repeat it there."
    )
  }
}
