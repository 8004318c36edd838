/// Inputs are a few kilobytes, and bounds are beyond that: what an input marks as large is made large before it is used.
extension Fuzz {
  /// The most bytes that an input grows to.
  private static let maximumGrowth = 2 << 20

  /// `json` with each text `@N` as N letters, and each element `{"@": N, …}` of an array N times, with a number in each text of its own.
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

  /// Checks a user that the bounds let pass, without the code that applies them.
  static func checkBounds(of user: UserDocument) {
    precondition(user.json().count <= 512 << 10, "an accepted user has 512 kB at most")
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
    case .string(let text): precondition(text.utf8.count <= bound, "a text is within its bound")
    case .array(let elements):
      precondition(elements.count <= 1000, "an attribute has a thousand values at most")
      for element in elements { checkSizes(element, bound) }
    case .object(let object): for member in object { checkSizes(member.value, bound) }
    case .null, .bool, .integer, .decimal: return
    }
  }
}
