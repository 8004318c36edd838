import Crypto
import Foundation
import Models

extension Decider {
  /// Keeps what `member`, who is still in their groups, loses.
  ///
  /// - Parameter told: What the product was told because of it.
  mutating func record(
    _ reason: DirectoryEvent.RevocationReason, of member: Member, previous: Member?, told: ArraySlice<PublishedEvent>, _ cause: Cause
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
        events: told.map { DeprovisionReceipt.SentEvent(id: $0.id, change: $0.event.change, group: $0.event.group) }))
  }
}

extension ReceiptID {
  /// The id that follows from what the receipt is about, and sorts by time.
  fileprivate static func receipt(of member: Member, at time: Date) -> ReceiptID {
    var generator = DigestGenerator(of: "receipt/\(member.key.workspace)/\(member.key.id)/\(member.version)")
    return .made(at: time, using: &generator)
  }
}

/// The 256 bits of a text's SHA-256, and then those of that, and so on: the same for the same text everywhere.
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
