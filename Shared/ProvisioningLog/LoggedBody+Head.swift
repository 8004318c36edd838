import Models
import SCIM

extension LoggedBody {
  /// Returns the logged part of a body: the body without secrets, or its abridged version if it is too large.
  ///
  /// - Parameters:
  ///   - json: The body.
  ///   - bytes: The size of the body in bytes.
  /// - Returns: The logged body, and the redaction that applies to other texts of the request.
  public static func keeping(_ json: JSON, bytes: Int) -> (body: LoggedBody, redaction: Redaction.Outcome) {
    guard bytes > maximumBytes else {
      let outcome = Redaction.body(json)
      return (LoggedBody(bytes: bytes, content: .whole(outcome.json, removed: outcome.removed)), outcome)
    }
    let outcome = Redaction.body(head(of: json, depth: 0))
    return (LoggedBody(bytes: bytes, content: .head(outcome.json)), outcome)
  }

  /// Returns an abridged body: at most 40 members per object, short texts, and the number and the first elements of long arrays.
  public static func head(of json: JSON) -> JSON { head(of: json, depth: 0) }

  private static let maximumMembers = 40
  private static let maximumElements = 5
  private static let maximumText = 200
  private static let maximumDepth = 5

  private static func head(of json: JSON, depth: Int) -> JSON {
    switch json {
    case .string(let text) where text.utf8.count > maximumText: return .string(text.truncated(to: maximumText, bytes: 4 * maximumText))
    case .array(let elements) where depth >= maximumDepth: return ["count": .integer(Int64(elements.count))]
    case .array(let elements) where elements.count > maximumElements:
      return [
        "count": .integer(Int64(elements.count)),
        "first": .array(elements.prefix(maximumElements).map { head(of: $0, depth: depth + 1) }),
      ]
    case .array(let elements): return .array(elements.map { head(of: $0, depth: depth + 1) })
    case .object(let object):
      guard depth < maximumDepth else { return ["count": .integer(Int64(object.count))] }
      var cut = JSONObject()
      for member in object.members.prefix(maximumMembers) {
        cut[member.key.truncated(to: maximumText, bytes: 4 * maximumText)] = head(of: member.value, depth: depth + 1)
      }
      if object.count > maximumMembers { cut["…"] = .string("\(object.count - maximumMembers) more") }
      return .object(cut)
    default: return json
    }
  }
}

extension LoggedBody.Content {
  /// Returns the `userName` or `displayName` in the body of a resource or a PATCH.
  ///
  /// - Parameter attribute: `userName` or `displayName`.
  public func name(_ attribute: String) -> String? {
    switch self {
    case .whole(let json, _), .head(let json): Self.name(attribute, in: json)
    case .none: nil
    }
  }

  private static func name(_ attribute: String, in json: JSON) -> String? {
    guard let object = json.object else { return nil }
    if let name = object.value(forAttribute: attribute)?.string { return name }
    let operations = object.value(forAttribute: "Operations")
    // An abridged body has the first elements of a long array.
    for operation in operations?.array ?? operations?.object?["first"]?.array ?? [] {
      guard let operation = operation.object else { continue }
      let value = operation.value(forAttribute: "value")
      if let path = operation.value(forAttribute: "path")?.string {
        let tail = path.split(separator: ":").last.map(String.init) ?? path
        if tail.lowercased() == attribute.lowercased(), let name = value?.string { return name }
      } else if let name = value?.object?.value(forAttribute: attribute)?.string {
        return name
      }
    }
    return nil
  }

  /// The ids of the members in the body.
  public var memberValues: [String] {
    switch self {
    case .whole(let json, _): Self.memberValues(in: json)
    case .head, .none: []
    }
  }

  private static func memberValues(in json: JSON) -> [String] {
    guard let object = json.object else { return [] }
    var values = ids(in: object.value(forAttribute: "members"))
    for operation in object.value(forAttribute: "Operations")?.array?.compactMap(\.object) ?? [] {
      guard operation.value(forAttribute: "op")?.string?.lowercased() != "remove" else { continue }
      let value = operation.value(forAttribute: "value")
      if let path = operation.value(forAttribute: "path")?.string {
        if path.lowercased() == "members" { values += ids(in: value) }
      } else {
        values += ids(in: value?.object?.value(forAttribute: "members"))
      }
    }
    return values
  }

  private static func ids(in members: JSON?) -> [String] {
    (members?.array ?? []).compactMap { $0.object?.value(forAttribute: "value")?.string }
  }
}
