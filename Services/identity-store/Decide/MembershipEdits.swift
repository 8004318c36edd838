import Models

/// A membership edit with validated ids.
enum CheckedEdit: Sendable, Equatable {
  case add([UserID])
  case remove([UserID])
  case replace([UserID])

  var isReplacement: Bool {
    if case .replace = self { true } else { false }
  }

  var users: [UserID] {
    switch self {
    case .add(let users), .remove(let users), .replace(let users): users
    }
  }
}

extension [CheckedEdit] {
  /// The edits from the last replacement on. Earlier ones have no effect and are skipped.
  var effective: ArraySlice<CheckedEdit> {
    let last = lastIndex { edit in if case .replace = edit { true } else { false } }
    return self[(last ?? startIndex)...]
  }
}

extension GroupMembers {
  mutating func apply(_ edit: CheckedEdit) {
    switch edit {
    case .add(let users): _ = add(users)
    case .remove(let users): _ = remove(users)
    case .replace(let users): _ = replace(with: users)
    }
  }
}

/// Splits a change of members into parts that fit one event each. There is at least one part, which may be empty.
struct MembershipParts: Sequence {
  var added: [UserID]
  var removed: [UserID]

  func makeIterator() -> AnyIterator<(added: [UserID], removed: [UserID])> {
    let size = GroupChanged.maximumMembersPerEvent
    let count = Swift.max(1, (added.count + removed.count + size - 1) / size)
    var part = 0
    return AnyIterator {
      guard part < count else { return nil }
      let range = part * size..<(part + 1) * size
      part += 1
      return (
        Array(added[range.clamped(to: 0..<added.count)]),
        Array(removed[(range.lowerBound - added.count..<range.upperBound - added.count).clamped(to: 0..<removed.count)])
      )
    }
  }
}
