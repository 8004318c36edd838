import Foundation
import HTTPTypes
import Models

/// How a proxy with single sign-on in front says who a person is, where the operator has set that up.
struct ProxyHeaders: Sendable, Hashable {
  /// `X-Forwarded-Email`.
  var person: HTTPField.Name
  /// The slug of the person's workspace, at the deployment's own host; nil: sessions are opened at workspaces' own domains alone.
  var workspace: HTTPField.Name?

  /// What a request says that comes from a proxy that is believed; nil where it says nothing.
  ///
  /// - Throws: 400 where it says two things, so that the proxy has let something through that it did not write.
  func claim(in headers: HTTPFields) throws(Refusal) -> Claim? {
    guard let person = try Self.value(of: person, in: headers) else { return nil }
    return Claim(person: person, slug: try workspace.flatMap { name throws(Refusal) in try Self.value(of: name, in: headers) })
  }

  struct Claim: Sendable, Hashable {
    var person: String
    var slug: String?
  }

  private static func value(of name: HTTPField.Name, in headers: HTTPFields) throws(Refusal) -> String? {
    let values = headers[values: name]
    guard values.count <= 1 else {
      throw Refusal(400, "The header '\(name)' is there \(values.count) times. The proxy in front has to take out what the client sends.")
    }
    guard let value = values.first?.trimmingCharacters(in: .whitespaces), !value.isEmpty else { return nil }
    guard value.count <= 200, !value.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else {
      throw Refusal(400, "The header '\(name)' is no name of a person or a workspace.")
    }
    return value
  }
}
