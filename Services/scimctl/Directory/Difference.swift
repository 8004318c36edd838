import Models

/// Something that the store and the directory say differently of.
struct Difference: Sendable, Hashable {
  enum Subject: Sendable, Hashable {
    case user(UserID)
    case group(GroupID)
    case membership(GroupID, UserID)
  }

  var subject: Subject
  /// In words, with both sides.
  var words: String

  /// One property as each of the two has it.
  struct Property: Sendable {
    var name: String
    var stored: String?
    var kept: String?
  }

  init(_ subject: Subject, isExtra: Bool, isMissing: Bool, _ properties: [Property] = []) {
    self.subject = subject
    if isMissing {
      words = "missing in the directory"
    } else if isExtra {
      words = "extra in the directory: the store does not have it"
    } else {
      words = properties.filter { $0.stored != $0.kept }.map { property in
        "\(property.name) is \(Self.quoted(property.kept)) in the directory and \(Self.quoted(property.stored)) in the store"
      }.joined(separator: "; ")
    }
  }

  /// Kind, ids, and what differs.
  var cells: [String] {
    switch subject {
    case .user(let id): ["person", "\(id)", words]
    case .group(let id): ["group", "\(id)", words]
    case .membership(let group, let user): ["membership", "\(group) \(user)", words]
    }
  }

  /// The arguments of `scimctl rebuild` that mend it.
  var remedy: String {
    switch subject {
    case .user(let id): "--user \(id)"
    case .group(let id), .membership(let id, _): "--group \(id)"
    }
  }

  private static func quoted(_ text: String?) -> String { text.map { "'\($0)'" } ?? "nothing" }
}
