import Foundation
import Testing

@testable import ScimctlCommands

@Suite("Doctor: the key of tombstones")
struct TombstoneKeyTests {
  private static let time = Date(timeIntervalSince1970: 1_700_000_000)
  private static let usage = [
    TombstoneKeyCheck.Usage(key: "new", tombstones: 3, newest: time + 60), TombstoneKeyCheck.Usage(key: "old", tombstones: 2, newest: time),
  ]

  @Test("The former key is needed while it is replaced, and not afterwards")
  func rotation() {
    #expect(TombstoneKeyCheck.finding(Self.usage, former: "old", .waiting).status == .warn)
    let running = TombstoneKeyCheck.finding(Self.usage, former: "old", .running)
    #expect(running.status == .ok && running.message.contains("keep ROLLCALL_TOMBSTONE_FORMER_KEY"))
    let finished = TombstoneKeyCheck.finding(Self.usage, former: "old", .finished(Self.time))
    #expect(finished.status == .warn && finished.message.contains("no longer needed") && finished.message.contains("2 are found"))
    #expect(finished.fix?.hasPrefix("unset ROLLCALL_TOMBSTONE_FORMER_KEY") == true)
    let none = TombstoneKeyCheck.finding([], former: "old", .finished(Self.time))
    #expect(none.message.contains("no deleted user is found with the former key"))
  }

  @Test("Without a former key, doctor says how many deleted users another key has")
  func otherKeys() {
    #expect(TombstoneKeyCheck.finding(Self.usage, key: "new").message.hasPrefix("2 deleted users"))
    let own = [TombstoneKeyCheck.Usage(key: "new", tombstones: 3, newest: Self.time), .init(key: nil, tombstones: 1, newest: Self.time)]
    #expect(TombstoneKeyCheck.finding(own, key: "new").message.hasPrefix("all deleted users"))
  }
}
