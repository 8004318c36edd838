import Crypto
import Foundation
import Models

extension Decider {
  /// Records a deprovisioning receipt for `member`. Call it before the memberships are removed.
  ///
  /// - Parameter published: The events that were published for the change.
  mutating func record(
    _ reason: DirectoryEvent.RevocationReason, of member: Member, previous: Member?, published: ArraySlice<PublishedEvent>, _ cause: Cause
  ) {
    receipts.append(
      DeprovisionReceipt(
        id: .receipt(of: member, at: cause.changedAt), workspace: member.key.workspace, member: member.key.id,
        memberVersion: member.version, reason: reason, revokedAt: cause.changedAt,
        invitationRevoked: previous?.presence.content?.state == .invited,
        groups: directory.memberships.groups(of: member.key).map { key in
          let name = directory.groups[key]?.presence.content
          return DeprovisionReceipt.LostGroup(
            id: key.id, displayName: name, wasVisible: previous?.isVisible == true && name != nil)
        },
        events: published.map { DeprovisionReceipt.SentEvent(id: $0.event.id, change: $0.event.type, group: $0.event.group?.id) }))
  }
}

extension ReceiptID {
  /// An id that is derived from the subject of the receipt, and sorts by time.
  fileprivate static func receipt(of member: Member, at time: Date) -> ReceiptID {
    var generator = DigestGenerator(of: "receipt/\(member.key.workspace)/\(member.key.id)/\(member.version)")
    return .made(at: time, using: &generator)
  }
}

/// A deterministic generator: yields the bytes of the SHA-256 digest of a text, then of the digest of that digest, and so on.
private struct DigestGenerator: RandomNumberGenerator {
  private var bytes: [UInt8]
  private var position = 0

  init(of text: String) {
    bytes = Array(SHA256.hash(data: Data(text.utf8)))
  }

  mutating func next() -> UInt64 {
    if position == bytes.count {
      bytes = Array(SHA256.hash(data: bytes))
      position = 0
    }
    defer { position += 8 }
    return bytes[position..<position + 8].reduce(0) { $0 << 8 | UInt64($1) }
  }
}
