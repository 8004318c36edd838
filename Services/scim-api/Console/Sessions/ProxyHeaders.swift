import EdgeHTTP
import EdgeReads
import Foundation
import HTTPTypes
import Models

/// The headers in which a trusted single sign-on proxy names the person and the workspace.
package struct ProxyHeaders: Sendable, Hashable {
  /// The header with the person's name, such as `X-Forwarded-Email`.
  var person: HTTPField.Name
  /// The header with the workspace's slug; nil if sessions are opened only at workspaces' own domains.
  var workspace: HTTPField.Name?

  /// - Parameters:
  ///   - person: the header with the person's name.
  ///   - workspace: the header with the workspace's slug; nil for none.
  package init(person: HTTPField.Name, workspace: HTTPField.Name? = nil) {
    self.person = person
    self.workspace = workspace
  }

  /// The claim in a request from a trusted proxy; nil if there is none.
  ///
  /// - Throws: 400 if a header occurs twice, because then the proxy forwarded one of the client; 403 if the workspace is missing.
  func claim(in headers: HTTPFields) throws(APIError) -> Claim? {
    guard let person = try Self.value(of: person, in: headers) else { return nil }
    guard let workspace else { return Claim(person: person) }
    guard let slug = try Self.value(of: workspace, in: headers) else {
      throw APIError(
        403,
        "The proxy names a person but no workspace: the header '\(workspace)' is missing. Configure the proxy to set both headers."
      )
    }
    return Claim(person: person, slug: slug)
  }

  /// A person, and the workspace if the proxy names it.
  struct Claim: Sendable, Hashable {
    var person: String
    var slug: String?
  }

  private static func value(of name: HTTPField.Name, in headers: HTTPFields) throws(APIError) -> String? {
    let values = headers[values: name]
    guard values.count <= 1 else {
      throw APIError(400, "The header '\(name)' occurs \(values.count) times. The proxy must remove this header from client requests.")
    }
    guard let value = values.first?.trimmingCharacters(in: .whitespaces), !value.isEmpty else { return nil }
    guard value.count <= 200, !value.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else {
      throw APIError(400, "The header '\(name)' is not a valid name of a person or a workspace.")
    }
    return value
  }
}
