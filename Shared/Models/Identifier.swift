import Foundation
import Primitives

/// The id of one thing, typed by what it names, so that a user's id cannot be passed where a group's is wanted.
///
/// On every wire it is a UUID in lower case; `Subject` exists only for the compiler.
public struct Identifier<Subject>: Hashable, Sendable, Comparable {
  public let uuid: UUID

  public init(_ uuid: UUID) {
    self.uuid = uuid
  }

  /// Parses the textual form; nil where `text` is not a UUID.
  public init?(_ text: some StringProtocol) {
    guard let uuid = UUIDText.uuid(text.utf8) else { return nil }
    self.uuid = uuid
  }

  /// A new id that sorts by `time` (UUID version 7, RFC 9562 §5.7), so that lists ordered by id are in order of creation.
  public static func made(at time: Date) -> Self {
    var generator = SystemRandomNumberGenerator()
    return made(at: time, using: &generator)
  }

  /// As ``made(at:)``, with the randomness passed in.
  public static func made(at time: Date, using generator: inout some RandomNumberGenerator) -> Self {
    let milliseconds = UInt64(max(0, time.timeIntervalSince1970 * 1000))
    let high = generator.next()
    let low = generator.next()
    return Self(
      UUID(
        uuid: (
          UInt8(truncatingIfNeeded: milliseconds >> 40), UInt8(truncatingIfNeeded: milliseconds >> 32),
          UInt8(truncatingIfNeeded: milliseconds >> 24), UInt8(truncatingIfNeeded: milliseconds >> 16),
          UInt8(truncatingIfNeeded: milliseconds >> 8), UInt8(truncatingIfNeeded: milliseconds),
          0x70 | UInt8(truncatingIfNeeded: high >> 8) & 0x0F, UInt8(truncatingIfNeeded: high),
          0x80 | UInt8(truncatingIfNeeded: low >> 56) & 0x3F, UInt8(truncatingIfNeeded: low >> 48),
          UInt8(truncatingIfNeeded: low >> 40), UInt8(truncatingIfNeeded: low >> 32),
          UInt8(truncatingIfNeeded: low >> 24), UInt8(truncatingIfNeeded: low >> 16),
          UInt8(truncatingIfNeeded: low >> 8), UInt8(truncatingIfNeeded: low)
        )))
  }

  /// The order of the bytes, which is also PostgreSQL's order of `uuid` values.
  public static func < (left: Self, right: Self) -> Bool {
    withUnsafeBytes(of: left.uuid.uuid) { left in
      withUnsafeBytes(of: right.uuid.uuid) { right in left.lexicographicallyPrecedes(right) }
    }
  }
}

extension Identifier: CustomStringConvertible {
  public var description: String { UUIDText.text(uuid) }
}

extension Identifier: Codable {
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    guard let id = Self(text) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "'\(text)' is not a UUID")
    }
    self = id
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}

/// What ``Identifier``s name.
public enum Named {
  public enum Workspace {}
  public enum User {}
  public enum Group {}
  public enum Command {}
  public enum Token {}
  public enum Invitation {}
  public enum HeldChange {}
  /// An entry of the provisioning log.
  public enum LogEntry {}
  public enum Receipt {}
  /// Any resource of a workspace, where users and groups are treated alike.
  public enum Resource {}
}

public typealias WorkspaceID = Identifier<Named.Workspace>
public typealias UserID = Identifier<Named.User>
public typealias GroupID = Identifier<Named.Group>
public typealias CommandID = Identifier<Named.Command>
public typealias TokenID = Identifier<Named.Token>
public typealias InvitationID = Identifier<Named.Invitation>
public typealias HeldChangeID = Identifier<Named.HeldChange>
public typealias LogEntryID = Identifier<Named.LogEntry>
public typealias ReceiptID = Identifier<Named.Receipt>
public typealias ResourceID = Identifier<Named.Resource>

extension Identifier {
  /// The same id seen as that of a resource of either type.
  public var resource: ResourceID { ResourceID(uuid) }
}

extension Identifier<Named.Resource> {
  public var user: UserID { UserID(uuid) }
  public var group: GroupID { GroupID(uuid) }
  public var workspace: WorkspaceID { WorkspaceID(uuid) }
}

extension Identifier {
  /// The 16 bytes, most significant first.
  public var bytes: [UInt8] { withUnsafeBytes(of: uuid.uuid) { Array($0) } }

  /// The id of the first 16 of `bytes`; missing ones count as zero.
  public init(bytes: some Sequence<UInt8>) {
    var uuid: uuid_t = (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    withUnsafeMutableBytes(of: &uuid) { target in
      for (index, byte) in bytes.prefix(target.count).enumerated() { target[index] = byte }
    }
    self.init(UUID(uuid: uuid))
  }
}
