import Foundation
import Primitives

/// A typed id: the compiler rejects the id of a user where that of a group is expected.
///
/// Its text is a UUID in lower case. `Subject` is a phantom type.
public struct Identifier<Subject>: Hashable, Sendable, Comparable {
  /// The id itself.
  public let uuid: UUID

  /// Creates an id from a UUID.
  public init(_ uuid: UUID) {
    self.uuid = uuid
  }

  /// Parses the text form; `nil` if `text` is not a UUID.
  public init?(_ text: some StringProtocol) {
    guard let uuid = UUIDText.uuid(text.utf8) else { return nil }
    self.uuid = uuid
  }

  /// A new id that sorts by `time` (UUID version 7, RFC 9562 §5.7), so that lists ordered by id are in order of creation.
  public static func made(at time: Date) -> Self {
    var generator = BlockRandomNumberGenerator()
    return made(at: time, using: &generator)
  }

  /// A new id that sorts by `time`, as ``made(at:)``, from a given random number generator.
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

  /// Orders ids by their bytes, as PostgreSQL orders `uuid` values.
  public static func < (left: Self, right: Self) -> Bool {
    withUnsafeBytes(of: left.uuid.uuid) { left in
      withUnsafeBytes(of: right.uuid.uuid) { right in left.lexicographicallyPrecedes(right) }
    }
  }
}

extension Identifier: CustomStringConvertible {
  /// The UUID in lower case.
  public var description: String { UUIDText.text(uuid) }
}

extension Identifier: Codable {
  /// Decodes the UUID from a string.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    guard let id = Self(text) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "'\(text)' is not a UUID")
    }
    self = id
  }

  /// Encodes the UUID as a string.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}

/// The phantom types of ``Identifier``.
public enum IdentifierSubject {
  /// A customer's workspace.
  public enum Workspace {}
  /// A user.
  public enum User {}
  /// A group.
  public enum Group {}
  /// A command to identity-store.
  public enum Command {}
  /// An access token, OAuth client, console session or link.
  public enum Token {}
  /// An invitation.
  public enum Invitation {}
  /// A change that waits for approval.
  public enum HeldChange {}
  /// An entry of the provisioning log.
  public enum LogEntry {}
  /// A deprovisioning receipt.
  public enum Receipt {}
  /// Any resource of a workspace: code that treats users and groups alike uses it.
  public enum Resource {}
}

/// The id of a workspace.
public typealias WorkspaceID = Identifier<IdentifierSubject.Workspace>
/// The id of a user.
public typealias UserID = Identifier<IdentifierSubject.User>
/// The id of a group.
public typealias GroupID = Identifier<IdentifierSubject.Group>
/// The id of a command.
public typealias CommandID = Identifier<IdentifierSubject.Command>
/// The id of an access token, OAuth client, console session or link.
public typealias TokenID = Identifier<IdentifierSubject.Token>
/// The id of an invitation.
public typealias InvitationID = Identifier<IdentifierSubject.Invitation>
/// The id of a held change.
public typealias HeldChangeID = Identifier<IdentifierSubject.HeldChange>
/// The id of an entry of the provisioning log.
public typealias LogEntryID = Identifier<IdentifierSubject.LogEntry>
/// The id of a deprovisioning receipt.
public typealias ReceiptID = Identifier<IdentifierSubject.Receipt>
/// The id of a user, group or other resource.
public typealias ResourceID = Identifier<IdentifierSubject.Resource>

extension Identifier {
  /// The id as that of a resource of any type.
  public var resource: ResourceID { ResourceID(uuid) }
}

extension Identifier<IdentifierSubject.Workspace> {
  /// The workspace id of tokens and commands of the whole deployment: the nil UUID, which no workspace has.
  public static var deployment: WorkspaceID { WorkspaceID(UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))) }
}

extension Identifier<IdentifierSubject.Resource> {
  /// The id as that of a user.
  public var user: UserID { UserID(uuid) }
  /// The id as that of a group.
  public var group: GroupID { GroupID(uuid) }
  /// The id as that of a workspace.
  public var workspace: WorkspaceID { WorkspaceID(uuid) }
}

extension Identifier {
  /// The 16 bytes, most significant first.
  public var bytes: [UInt8] { withUnsafeBytes(of: uuid.uuid) { Array($0) } }

  /// Creates an id from the first 16 of `bytes`; missing bytes are zero.
  public init(bytes: some Sequence<UInt8>) {
    var uuid: uuid_t = (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    withUnsafeMutableBytes(of: &uuid) { target in
      for (index, byte) in bytes.prefix(target.count).enumerated() { target[index] = byte }
    }
    self.init(UUID(uuid: uuid))
  }
}
