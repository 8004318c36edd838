import Foundation
import Models
import Primitives

/// The events that a request reads: those of one workspace, or of the whole deployment.
package enum EventScope: Sendable, Hashable {
  /// The events of one workspace, in the order of their sequence numbers.
  case workspace(WorkspaceID)
  /// The events of all workspaces, in the order in which they were stored.
  case deployment

  /// The workspace that row-level security checks: ``WorkspaceID/deployment`` for the whole deployment.
  var workspace: WorkspaceID {
    switch self {
    case .workspace(let workspace): workspace
    case .deployment: .deployment
    }
  }
}

/// A position in the event log, after an event.
///
/// Clients store cursors for as long as they like, so a cursor contains everything that is needed to continue, and it is not signed: it gives no
/// access, because the caller's token decides which events are read.
package struct EventCursor: Sendable, Hashable {
  /// The epoch of the event log. A lost database is replaced by one with another epoch.
  package var epoch: UUID
  /// The events that the cursor is a position in.
  package var scope: EventScope
  /// The number of the last event before the position: its sequence number within the workspace, or its position in the whole log.
  package var number: Int64
  /// A time before which no later event was stored, apart from clock differences of up to ``clockTolerance``. Limits the partitions to read.
  package var storedSince: Date

  /// A position after the event with this number.
  package init(epoch: UUID, scope: EventScope, number: Int64, storedSince: Date) {
    self.epoch = epoch
    self.scope = scope
    self.number = number
    self.storedSince = storedSince
  }

  /// How far `stored_at` may go back from one event to the next, in seconds: a server that takes over may have a slower clock.
  static let clockTolerance: TimeInterval = 86_400

  /// The start of the partitions that can have later events.
  var firstStoredAt: Date { storedSince - Self.clockTolerance }
}

// MARK: - Text

extension EventCursor {
  private static let version: UInt8 = 1
  private static let secondsPerDay: TimeInterval = 86_400
  /// Version, kind, epoch, day, number, and the workspace of a cursor of one.
  private static let lengths = (deployment: 30, workspace: 46)

  /// The text for clients: base64url, with a checksum that detects truncated and edited cursors.
  package var text: String {
    var bytes: [UInt8] = [Self.version]
    switch scope {
    case .deployment: bytes.append(0)
    case .workspace: bytes.append(1)
    }
    bytes += ResourceID(epoch).bytes
    bytes.append(bigEndian: UInt32(clamping: Int((storedSince.timeIntervalSince1970 / Self.secondsPerDay).rounded(.down))))
    bytes.append(bigEndian: UInt64(clamping: number))
    if case .workspace(let workspace) = scope { bytes += workspace.bytes }
    bytes.append(bigEndian: Self.checksum(bytes))
    return Base64URL.encode(bytes)
  }

  /// Parses the text of a cursor; nil if it is malformed.
  package init?(_ text: String) {
    // Twice the length of a cursor, so that no long text is decoded.
    guard text.utf8.count <= 140, let data = Base64URL.decode(text.utf8) else { return nil }
    let bytes = Array(data)
    guard bytes.count > 4, Self.checksum(Array(bytes.dropLast(4))) == UInt32(bigEndianBytes: bytes.suffix(4)), bytes[0] == Self.version
    else { return nil }
    switch (bytes[1], bytes.count - 4) {
    case (0, Self.lengths.deployment): scope = .deployment
    case (1, Self.lengths.workspace): scope = .workspace(WorkspaceID(bytes: bytes[30..<46]))
    default: return nil
    }
    guard let number = Int64(exactly: UInt64(bigEndianBytes: bytes[22..<30])) else { return nil }
    epoch = ResourceID(bytes: bytes[2..<18]).uuid
    storedSince = Date(timeIntervalSince1970: Double(UInt32(bigEndianBytes: bytes[18..<22])) * Self.secondsPerDay)
    self.number = number
  }

  /// The 32-bit FNV-1a hash.
  private static func checksum(_ bytes: [UInt8]) -> UInt32 {
    bytes.reduce(2_166_136_261) { ($0 ^ UInt32($1)) &* 16_777_619 }
  }
}

extension [UInt8] {
  fileprivate mutating func append(bigEndian value: some FixedWidthInteger) {
    Swift.withUnsafeBytes(of: value.bigEndian) { append(contentsOf: $0) }
  }
}

extension FixedWidthInteger {
  fileprivate init(bigEndianBytes bytes: some Collection<UInt8>) {
    self = bytes.reduce(0) { $0 << 8 | Self($1) }
  }
}
