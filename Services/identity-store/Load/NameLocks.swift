import Models

extension WriteSet {
  /// The advisory locks for the names of a batch, sorted, so that all processes take them in the same order.
  ///
  /// Two names can share a lock, which only costs a wait.
  var nameLocks: [Int64] {
    var locks = Set<Int64>()
    // A userName can be the address of a sign-in, so both share a namespace.
    for name in userNames.union(emails) { locks.insert(Self.lock("user", name)) }
    for name in groupNames { locks.insert(Self.lock("group", name)) }
    for slug in slugs { locks.insert(Self.lock("slug", slug.utf8)) }
    for domain in domains { locks.insert(Self.lock("domain", domain.utf8)) }
    return locks.sorted()
  }

  private static func lock(_ space: String, _ name: NameKey) -> Int64 {
    lock(space, name.workspace.bytes + Array(name.name.utf8))
  }

  /// FNV-1a, 64 bits. Unlike `Hasher` it is the same in every process.
  private static func lock(_ space: String, _ bytes: some Sequence<UInt8>) -> Int64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in Array(space.utf8) + [0] + bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    return Int64(bitPattern: hash)
  }
}
