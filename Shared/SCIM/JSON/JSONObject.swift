/// The members of a JSON object, in the order they were written; no key occurs twice.
///
/// Two objects are equal when they have the same members in whatever order. Look-ups scan, since the objects of SCIM are
/// small; nothing here is meant for objects with thousands of members.
public struct JSONObject: Sendable {
  /// One key with its value.
  public struct Member: Sendable, Hashable {
    public var key: String
    public var value: JSON

    public init(key: String, value: JSON) {
      self.key = key
      self.value = value
    }
  }

  /// The members in order.
  public private(set) var members: [Member]

  /// An object without members.
  public init() { members = [] }

  /// Takes members whose keys are known to differ.
  init(uncheckedMembers members: [Member]) { self.members = members }

  /// The number of members.
  public var count: Int { members.count }
  /// Whether there is no member.
  public var isEmpty: Bool { members.isEmpty }
  /// The keys in order.
  public var keys: some Sequence<String> { members.lazy.map(\.key) }

  /// The value of exactly this key; setting nil removes the member, setting a new key appends it.
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

  /// The value of an attribute, whose name has no case (RFC 7643 §2.1).
  public func value(forAttribute name: String) -> JSON? {
    for member in members where AttributeName.equal(member.key, name) { return member.value }
    return nil
  }

  /// Sets or, with nil, removes an attribute under whatever case it was written in.
  public mutating func setValue(_ value: JSON?, forAttribute name: String) {
    let index = members.firstIndex { AttributeName.equal($0.key, name) }
    switch (index, value) {
    case (let index?, let value?): members[index].value = value
    case (let index?, nil): members.remove(at: index)
    case (nil, let value?): members.append(Member(key: name, value: value))
    case (nil, nil): break
    }
  }

  /// The object without members that are no known attribute, or one of the same name again, where there are so many members that looking
  /// up each attribute by scanning would be slow.
  func keepingAttributes(where isKnown: (String) -> Bool) -> JSONObject {
    guard count > Self.fewEnoughToScan else { return self }
    var seen: Set<String> = []
    return JSONObject(uncheckedMembers: members.filter { isKnown($0.key) && seen.insert(AttributeName.folded($0.key)).inserted })
  }

  /// Takes an attribute out, under whatever case it was written in.
  @discardableResult
  public mutating func removeValue(forAttribute name: String) -> JSON? {
    guard let index = members.firstIndex(where: { AttributeName.equal($0.key, name) }) else { return nil }
    return members.remove(at: index).value
  }

  /// The same keys in the same order with other values. Linear, where setting them one by one is not.
  func mapValues<Failure: Error>(_ transform: (Member) throws(Failure) -> JSON) throws(Failure) -> JSONObject {
    var mapped: [Member] = []
    mapped.reserveCapacity(members.count)
    for member in members { mapped.append(Member(key: member.key, value: try transform(member))) }
    return JSONObject(uncheckedMembers: mapped)
  }

  /// Inserts a member whose key is known to be new.
  mutating func insertNew(_ key: String, _ value: JSON, at index: Int) {
    members.insert(Member(key: key, value: value), at: index)
  }

  /// Appends a member whose key is known to be new.
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

  /// Up to how many members scanning is as fast as hashing.
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
  /// A key that is given twice keeps its last value.
  public init(dictionaryLiteral elements: (String, JSON)...) {
    self.init()
    for (key, value) in elements { self[key] = value }
  }
}
