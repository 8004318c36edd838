import EdgeHTTP
import Models

extension ProblemDetails.Item {
  /// An error of a JSON body, in words that say what is expected.
  init(_ error: DecodingError) {
    switch error {
    case .keyNotFound(let key, let context):
      self.init(context.codingPath + [key], "is missing")
    case .typeMismatch(let type, let context):
      self.init(context.codingPath, "must be \(Self.phrase(for: type))")
    case .valueNotFound(_, let context):
      self.init(context.codingPath, "must not be null")
    case .dataCorrupted(let context):
      let choices = context.codingPath.last.flatMap { Self.choices[$0.stringValue] }
      self.init(
        context.codingPath, choices.map { "must be one of \($0.joined(separator: ", "))" } ?? "is not valid: \(context.debugDescription)")
    @unknown default:
      self.init([], "is not valid: \(error)")
    }
  }

  private init(_ path: [any CodingKey], _ statement: String) {
    let pointer = path.map { key in
      "/" + (key.intValue.map(String.init) ?? key.stringValue.replacing("~", with: "~0").replacing("/", with: "~1"))
    }.joined()
    self.init(.pointer(pointer), "\(pointer.isEmpty ? "The body" : pointer) \(statement).")
  }

  private static func phrase(for type: Any.Type) -> String {
    switch type {
    case is String.Type: "a string"
    case is Bool.Type: "true or false"
    case is Int.Type, is Int64.Type: "a whole number"
    case is Double.Type: "a number"
    case is any Collection.Type: "a list or an object"
    default: "of another type"
    }
  }

  /// The values of settings with a fixed set of them, by the name of the member.
  private static let choices: [String: [String]] = [
    "plan": WorkspaceSettings.Plan.allCases.map(\.rawValue),
    "connectionProfile": WorkspaceSettings.ConnectionProfile.allCases.map(\.rawValue),
    "relink": WorkspaceSettings.RelinkPolicy.allCases.map(\.rawValue),
    "duplicateGroupNames": WorkspaceSettings.DuplicateGroupNames.allCases.map(\.rawValue),
    "policy": SeatLimit.Policy.allCases.map(\.rawValue),
    "sending": InvitationPolicy.Sending.Name.allCases.map(\.rawValue),
    "resourceType": SchemaExtension.ResourceType.allCases.map(\.rawValue),
    "mutability": SchemaExtension.Attribute.Mutability.allCases.map(\.rawValue),
    "type": SchemaExtension.Attribute.DataType.allCases.map(\.rawValue),
  ]
}
