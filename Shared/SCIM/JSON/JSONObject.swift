/// A JSON object: members with distinct keys, in order.
///
/// Two objects are equal if they have the same members, in any order. Look-ups are linear because SCIM objects are small; do not use the
/// type for thousands of members.
public struct JSONObject: Sendable {
  /// A key and its value.
  public struct Member: Sendable, Hashable {
    /// The key.
    public var key: String
    /// The value.
    public var value: JSON

    /// Creates a member.
    public init(key: String, value: JSON) {
      self.key = key
      self.value = value
    }
  }

  /// The members in order.
  public private(set) var members: [Member]

  /// Creates an empty object.
  public init() { members = [] }

  /// Creates an object from members with distinct keys; the keys are not checked.
  init(uncheckedMembers members: [Member]) { self.members = members }

  /// The number of members.
  public var count: Int { members.count }
  /// Whether the object has no members.
  public var isEmpty: Bool { members.isEmpty }
  /// The keys in order.
  public var keys: some Sequence<String> { members.lazy.map(\.key) }

  /// The value of a key, compared exactly. Setting nil removes the member; setting a new key appends it.
  public subscript(key: String) -> JSON? {
    get {
      for member in members where member.key == key { return member.value }
      return nil
    }
    set {
      let index = members.firstIndex { $0.key == key }
      switch (index, newValue) {
      case (let index?, let value?): members[index].value = value
      case (let index?, nil): members.remove(at: index)
      case (nil, let value?): members.append(Member(key: key, value: value))
      case (nil, nil): break
      }
    }
  }

  /// The value of an attribute, whose name is compared without case (RFC 7643 §2.1).
  public func value(forAttribute name: String) -> JSON? {
    for member in members where AttributeName.equal(member.key, name) { return member.value }
    return nil
  }

  /// Sets an attribute, or removes it if `value` is nil. The name is compared without case; an existing member keeps its spelling.
  public mutating func setValue(_ value: JSON?, forAttribute name: String) {
    let index = members.firstIndex { AttributeName.equal($0.key, name) }
    switch (index, value) {
    case (let index?, let value?): members[index].value = value
    case (let index?, nil): members.remove(at: index)
    case (nil, let value?): members.append(Member(key: name, value: value))
    case (nil, nil): break
    }
  }

  /// Removes unknown and repeated attributes from a large object, in which linear look-ups would be slow. Small objects are returned
  /// unchanged.
  func keepingAttributes(where isKnown: (String) -> Bool) -> JSONObject {
    guard count > Self.fewEnoughToScan else { return self }
    var seen: Set<String> = []
    return JSONObject(uncheckedMembers: members.filter { isKnown($0.key) && seen.insert(AttributeName.folded($0.key)).inserted })
  }

  /// Removes an attribute, whose name is compared without case, and returns its value.
  @discardableResult
  public mutating func removeValue(forAttribute name: String) -> JSON? {
    guard let index = members.firstIndex(where: { AttributeName.equal($0.key, name) }) else { return nil }
    return members.remove(at: index).value
  }

  /// Returns an object with the same keys and transformed values, in linear time.
  func mapValues<Failure: Error>(_ transform: (Member) throws(Failure) -> JSON) throws(Failure) -> JSONObject {
    var mapped: [Member] = []
    mapped.reserveCapacity(members.count)
    for member in members { mapped.append(Member(key: member.key, value: try transform(member))) }
    return JSONObject(uncheckedMembers: mapped)
  }

  /// Inserts a member; the key must be new.
  mutating func insertNew(_ key: String, _ value: JSON, at index: Int) {
    members.insert(Member(key: key, value: value), at: index)
  }

  /// Appends a member; the key must be new.
  mutating func appendNew(_ key: String, _ value: JSON) {
    members.append(Member(key: key, value: value))
  }
}

extension JSONObject: Hashable {
  public static func == (left: JSONObject, right: JSONObject) -> Bool {
    guard left.count == right.count else { return false }
    let isLarge = left.count > fewEnoughToScan
    for (index, member) in left.members.enumerated() {
      if right.members[index].key == member.key {
        guard right.members[index].value == member.value else { return false }
      } else if isLarge {
        return Dictionary(left.pairs) { $1 } == Dictionary(right.pairs) { $1 }
      } else {
        guard right[member.key] == member.value else { return false }
      }
    }
    return true
  }

  /// The number of members up to which a scan is as fast as hashing.
  fileprivate static let fewEnoughToScan = 32

  private var pairs: some Sequence<(String, JSON)> { members.lazy.map { ($0.key, $0.value) } }

  public func hash(into hasher: inout Hasher) {
    var combined = 0
    for member in members { combined ^= member.hashValue }
    hasher.combine(combined)
  }
}

extension JSONObject: Sequence {
  public func makeIterator() -> IndexingIterator<[Member]> { members.makeIterator() }
  public var underestimatedCount: Int { members.count }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
  /// Creates an object; the last value of a repeated key counts.
  public init(dictionaryLiteral elements: (String, JSON)...) {
    self.init()
    for (key, value) in elements { self[key] = value }
  }
}
