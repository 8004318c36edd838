/// Expands markers in inputs to large values, because inputs have a few kilobytes and the size limits are larger.
extension Fuzz {
  /// The largest size of an expanded input in bytes.
  private static let maximumGrowth = 2 << 20

  /// Returns `json` with each string `@N` replaced by N letters, and each array element `{"@": N, …}` repeated N times.
  /// In the repetitions, `#` in strings is replaced by the index.
  static func enlarged(_ json: JSON) -> JSON {
    var room = maximumGrowth
    return enlarged(json, &room)
  }

  private static func enlarged(_ json: JSON, _ room: inout Int) -> JSON {
    switch json {
    case .string(let text):
      guard text.hasPrefix("@"), let count = Int(text.dropFirst()), (0...room).contains(count) else { return json }
      room -= count
      return .string(String(repeating: "a", count: count))
    case .array(let elements):
      var all: [JSON] = []
      for element in elements { all += repeated(element, &room) }
      return .array(all)
    case .object(let object):
      var changed = object
      for member in object { changed[member.key] = enlarged(member.value, &room) }
      return .object(changed)
    case .null, .bool, .integer, .decimal: return json
    }
  }

  private static func repeated(_ element: JSON, _ room: inout Int) -> [JSON] {
    guard case .object(var object) = element, let count = object["@"]?.integer, (0...1200).contains(count) else {
      return [enlarged(element, &room)]
    }
    object["@"] = nil
    return (0..<count).map { number in
      var one = object
      for member in object {
        if let text = member.value.string { one[member.key] = .string(text.replacing("#", with: "\(number)")) }
      }
      return enlarged(.object(one), &room)
    }
  }

  /// Checks the size limits of an accepted user without the code under test.
  static func checkBounds(of user: UserDocument) {
    precondition(user.json().count <= 512 << 10, "an accepted user has at most 512 kB")
    precondition(user.userName.utf8.count <= 1024 && user.userName.lowercased().utf8.count <= 1024, "a name fits an index")
    precondition((user.externalID?.utf8.count ?? 0) <= 1024, "an externalId fits an index")
    precondition(user.emails.allSatisfy { $0.lowercased().utf8.count <= 1024 }, "an address fits an index")
    for member in user.attributes {
      let isLarge = ["photos", "x509Certificates"].contains(member.key) || member.key.hasPrefix("urn:example:")
      checkSizes(member.value, isLarge ? 256 << 10 : 8 << 10)
    }
  }

  private static func checkSizes(_ json: JSON, _ bound: Int) {
    switch json {
    case .string(let text): precondition(text.utf8.count <= bound, "a string is within its size limit")
    case .array(let elements):
      precondition(elements.count <= 1000, "an attribute has at most 1000 values")
      for element in elements { checkSizes(element, bound) }
    case .object(let object): for member in object { checkSizes(member.value, bound) }
    case .null, .bool, .integer, .decimal: return
    }
  }
}
