import Models

extension WriteSet {
  /// The advisory locks of the names that a batch may take or ask for, sorted, so that all processes take them in one order.
  ///
  /// Two names can share a lock; that costs a wait and no more.
  var nameLocks: [Int64] {
    var locks = Set<Int64>()
    // A user name can be the address of a sign-in: both are one name space.
    for name in userNames.union(emails) { locks.insert(Self.lock("user", name)) }
    for name in groupNames { locks.insert(Self.lock("group", name)) }
    for slug in slugs { locks.insert(Self.lock("slug", slug.utf8)) }
    for domain in domains { locks.insert(Self.lock("domain", domain.utf8)) }
    return locks.sorted()
  }

  private static func lock(_ space: String, _ name: NameKey) -> Int64 {
    lock(space, name.workspace.bytes + Array(name.name.utf8))
  }

  /// FNV-1a, 64 bits: the same in every process, as Swift's own hashes are not.
  private static func lock(_ space: String, _ bytes: some Sequence<UInt8>) -> Int64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in Array(space.utf8) + [0] + bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    return Int64(bitPattern: hash)
  }
}
