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

  /// The arguments of `scimctl rebuild` that correct the difference.
  var rebuildArguments: String {
    switch subject {
    case .user(let id): "--user \(id)"
    case .group(let id), .membership(let id, _): "--group \(id)"
    }
  }

  private static func quoted(_ text: String?) -> String { text.map { "'\($0)'" } ?? "nothing" }
}

/// A difference in the output of `scimctl directory check`.
struct DifferenceRow: Sendable, Equatable, Encodable {
  /// The slug of the workspace.
  var workspace: String
  /// `person`, `group` or `membership`.
  var type: String
  /// The id of the person or group; of a membership, those of group and person.
  var id: String
  var difference: String

  init(_ difference: DirectoryDifference, in slug: String) {
    workspace = slug
    self.difference = difference.description
    switch difference.subject {
    case .user(let user): (type, id) = ("person", "\(user)")
    case .group(let group): (type, id) = ("group", "\(group)")
    case .membership(let group, let user): (type, id) = ("membership", "\(group) \(user)")
    }
  }

  /// One row per difference.
  static func table(of differences: [DifferenceRow]) -> Table {
    var table = Table("WORKSPACE", "TYPE", "ID", "DIFFERENCE")
    for row in differences { table.append([row.workspace, row.type, row.id, row.difference]) }
    return table
  }
}
