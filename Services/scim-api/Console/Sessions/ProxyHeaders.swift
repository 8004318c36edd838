import EdgeHTTP
import EdgeReads
import Foundation
import HTTPTypes
import Models

/// How a proxy with single sign-on in front says who a person is, where the operator has set that up.
package struct ProxyHeaders: Sendable, Hashable {
  /// `X-Forwarded-Email`.
  var person: HTTPField.Name
  /// The slug of the person's workspace; nil: sessions are opened at workspaces' own domains alone.
  var workspace: HTTPField.Name?

  /// The headers in which the proxy names a person and their workspace.
  package init(person: HTTPField.Name, workspace: HTTPField.Name?) {
    self.person = person
    self.workspace = workspace
  }

  /// What a request says that comes from a proxy that is believed; nil where it says nothing.
  ///
  /// - Throws: 400 where it says two things, so that the proxy has let something through that it did not write; 403 where it is to name the
  ///   workspace and does not.
  func claim(in headers: HTTPFields) throws(APIError) -> Claim? {
    guard let person = try Self.value(of: person, in: headers) else { return nil }
    guard let workspace else { return Claim(person: person) }
    guard let slug = try Self.value(of: workspace, in: headers) else {
      throw APIError(
        403,
        "The proxy in front names who is there, and not of which workspace: the header '\(workspace)' is missing. Have it set both, always."
      )
    }
    return Claim(person: person, slug: slug)
  }

  struct Claim: Sendable, Hashable {
    var person: String
    var slug: String?
  }

  private static func value(of name: HTTPField.Name, in headers: HTTPFields) throws(APIError) -> String? {
    let values = headers[values: name]
    guard values.count <= 1 else {
      throw APIError(400, "The header '\(name)' is there \(values.count) times. The proxy in front has to take out what the client sends.")
    }
    guard let value = values.first?.trimmingCharacters(in: .whitespaces), !value.isEmpty else { return nil }
    guard value.count <= 200, !value.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else {
      throw APIError(400, "The header '\(name)' is no name of a person or a workspace.")
    }
    return value
  }
}
