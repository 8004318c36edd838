import EdgeHTTP
import Foundation
import Models
import SCIM

/// The body of a request for a new token or OAuth client.
struct TokenRequestBody: Sendable {
  /// The name, which lists show.
  let name: String
  /// The granted scopes.
  let scopes: Set<TokenScope>
  /// When it expires; nil if never.
  let expiresAt: Date?

  static let members: Set<String> = ["name", "scopes", "expiresAt"]

  /// Reads the body.
  ///
  /// - Parameter allowed: the scopes that may be granted.
  /// - Throws: 400 that names the member.
  init(_ body: JSONBody, allowed: Set<TokenScope>, at now: Date) throws {
    name = try body.requiredString("name")
    expiresAt = try body.futureTime("expiresAt", at: now)
    let names = allowed.map(\.rawValue).sorted().joined(separator: ", ")
    guard let elements = body.object["scopes"]?.array, !elements.isEmpty else {
      throw ProblemDetails.invalidMember("scopes", "scopes must be a list of one or more of \(names).")
    }
    var scopes: Set<TokenScope> = []
    for (index, element) in elements.enumerated() {
      guard let scope = element.string.flatMap({ TokenScope(rawValue: $0) }), allowed.contains(scope) else {
        let detail = "/scopes/\(index) is \(element.summary); one of \(names) was expected."
        throw ProblemDetails.invalidBody([.init(.pointer("/scopes/\(index)"), detail)])
      }
      scopes.insert(scope)
    }
    self.scopes = scopes
  }
}
