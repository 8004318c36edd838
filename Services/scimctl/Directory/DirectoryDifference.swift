import Models

/// A difference between identity-store's data and group-sync's directory.
struct DirectoryDifference: Sendable, Hashable {
  /// The resource that differs.
  enum Subject: Sendable, Hashable {
    case user(UserID)
    case group(GroupID)
    case membership(GroupID, UserID)
  }

  var subject: Subject
  /// What differs, with both values.
  var description: String

  /// One property with its values in the store and in the directory.
  struct Property: Sendable {
    var name: String
    var inStore: String?
    var inDirectory: String?
  }

  /// A difference of a resource, with its description.
  init(subject: Subject, description: String) {
    self.subject = subject
    self.description = description
  }

  /// - Parameters:
  ///   - isExtra: Whether only the directory has the resource.
  ///   - isMissing: Whether only the store has the resource.
  init(_ subject: Subject, isExtra: Bool, isMissing: Bool, _ properties: [Property] = []) {
    self.subject = subject
    if isMissing {
      description = "missing in the directory"
    } else if isExtra {
      description = "extra in the directory: it is not in the store"
    } else {
      description = properties.filter { $0.inStore != $0.inDirectory }.map { property in
        "\(property.name) is \(Self.quoted(property.inDirectory)) in the directory and \(Self.quoted(property.inStore)) in the store"
      }.joined(separator: "; ")
    }
  }

  /// Kind, ids, and description.
  var cells: [String] {
    switch subject {
    case .user(let id): ["person", "\(id)", description]
    case .group(let id): ["group", "\(id)", description]
    case .membership(let group, let user): ["membership", "\(group) \(user)", description]
    }
  }

  /// The arguments of `scimctl rebuild` that correct the difference.
  var rebuildArguments: String {
    switch subject {
    case .user(let id): "--user \(id)"
    case .group(let id), .membership(let id, _): "--group \(id)"
    }
  }

  private static func quoted(_ text: String?) -> String { text.map { "'\($0)'" } ?? "nothing" }
}
