import EdgeHTTP
import Models
import SCIM

extension WebhookSubscription {
  /// The members of a body that a subscription is made of.
  static let members: Set<String> = ["url", "description", "types"]

  /// The subscription of a new endpoint.
  ///
  /// - Throws: 400 if the URL is missing, or a member has another type than expected. identity-store checks the values.
  init(_ body: JSONBody) throws {
    self.init(url: try body.requiredString("url"))
    try merge(body)
  }

  /// Applies a JSON merge patch (RFC 7396).
  ///
  /// - Throws: 400 if a member has another type than expected.
  mutating func merge(_ body: JSONBody) throws {
    if body.object["url"] != nil { url = try body.requiredString("url") }
    if body.object["description"] != nil { description = try body.string("description") ?? "" }
    switch body.object["types"] {
    case nil: break
    case .null?: types = nil
    case .array(let elements)?:
      types = try elements.enumerated().map { index, element in
        guard let name = element.string else {
          throw ProblemDetails.invalidBody([
            .init(.pointer("/types/\(index)"), "A type of event must be a string, found \(element.summary).")
          ])
        }
        guard DirectoryEvent.Kind(rawValue: name) != nil else {
          let known = DirectoryEvent.Kind.allCases.map(\.rawValue).joined(separator: ", ")
          throw ProblemDetails.invalidBody([
            .init(.pointer("/types/\(index)"), "There is no type of event '\(name.prefix(60))'. The types are \(known).")
          ])
        }
        return name
      }
    case let other?:
      throw ProblemDetails.invalidMember("types", "types must be an array of types of events, or null for all; found \(other.summary).")
    }
  }
}
