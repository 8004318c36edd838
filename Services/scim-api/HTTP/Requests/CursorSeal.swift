import Crypto
import Foundation
import Models
import Primitives

/// A pagination cursor: a position in a list that a client receives and sends back (RFC 9865).
package struct Cursor: Sendable, Equatable {
  /// The position at which the list continues.
  package var place: CursorPosition
  /// The number of resources, counted for the first page.
  package var total: Int

  /// A cursor at `place` in a list of `total` resources.
  package init(place: CursorPosition, total: Int) {
    self.place = place
    self.total = total
  }
}

/// Signs and verifies cursors. A cursor is valid for one workspace and one query, for a limited time.
package struct CursorSeal: Sendable {
  /// The key that signs cursors.
  package let key: SymmetricKey
  /// The lifetime of a cursor, in seconds.
  package let lifetime: Int

  private static let version: UInt8 = 1
  private static let tagLength = 16
  private static let headLength = 34

  /// A seal whose cursors are valid for `lifetime` seconds.
  package init(key: SymmetricKey, lifetime: Int) {
    self.key = key
    self.lifetime = lifetime
  }

  /// A seal with a key that is derived from `secret`.
  ///
  /// - Parameters:
  ///   - secret: the secret that all replicas of scim-api share; nil for a random key of this process.
  ///   - lifetime: the lifetime of a cursor, in seconds.
  package init(secret: String?, lifetime: Int) {
    let key = secret.map { SymmetricKey(data: SHA256.hash(data: Data("rollcall cursors\n\($0)".utf8))) }
    self.init(key: key ?? SymmetricKey(size: .bits256), lifetime: lifetime)
  }

  /// The signed text of a cursor, in base64url.
  ///
  /// - Parameter list: identifies the query. The cursor is valid only for the same `list`.
  package func text(of cursor: Cursor, for list: String, in workspace: WorkspaceID, at now: Date) -> String {
    var bytes: [UInt8] = [Self.version, flags(of: cursor.place)]
    bytes.append(bigEndian: UInt64(max(0, now.timeIntervalSince1970)) + UInt64(lifetime))
    bytes.append(bigEndian: UInt64(cursor.total))
    bytes += cursor.place.id.bytes
    bytes += Array((cursor.place.key ?? "").utf8)
    return Base64URL.encode(bytes + tag(of: bytes, for: list, in: workspace))
  }

  /// Verifies the text of a cursor.
  ///
  /// - Throws: 400 `invalidCursor` if it is not a cursor of this list, `expiredCursor` if it is too old.
  package func cursor(_ text: String, for list: String, in workspace: WorkspaceID, at now: Date) throws(APIError) -> Cursor {
    guard let data = Base64URL.decode(text.utf8), data.count >= Self.headLength + Self.tagLength else { throw .invalidCursor() }
    let bytes = Array(data.dropLast(Self.tagLength))
    guard isEqual(tag(of: bytes, for: list, in: workspace), Array(data.suffix(Self.tagLength))), bytes[0] == Self.version else {
      throw .invalidCursor()
    }
    guard Double(bytes.bigEndian(at: 2)) > now.timeIntervalSince1970 else { throw .expiredCursor(lifetime: lifetime) }
    let key = bytes[1] & 2 == 0 ? nil : String(decoding: bytes[Self.headLength...], as: UTF8.self)
    let place = CursorPosition(
      key: key, kind: bytes[1] & 4 == 0 ? .user : .group, id: ResourceID(bytes: bytes[18..<Self.headLength]), isForward: bytes[1] & 1 != 0)
    return Cursor(place: place, total: Int(clamping: bytes.bigEndian(at: 10)))
  }

  private func flags(of place: CursorPosition) -> UInt8 {
    (place.isForward ? 1 : 0) | (place.key == nil ? 0 : 2) | (place.kind == .user ? 0 : 4)
  }

  private func tag(of bytes: [UInt8], for list: String, in workspace: WorkspaceID) -> [UInt8] {
    var authentication = HMAC<SHA256>(key: key)
    authentication.update(data: workspace.bytes)
    authentication.update(data: Array(SHA256.hash(data: Data(list.utf8))))
    authentication.update(data: bytes)
    return Array(authentication.finalize().prefix(Self.tagLength))
  }

  /// Compares two tags in constant time.
  private func isEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    left.count == right.count && zip(left, right).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
  }
}

extension [UInt8] {
  fileprivate mutating func append(bigEndian value: UInt64) {
    for shift in stride(from: 56, through: 0, by: -8) { append(UInt8(truncatingIfNeeded: value >> UInt64(shift))) }
  }

  fileprivate func bigEndian(at index: Int) -> UInt64 {
    self[index..<index + 8].reduce(0) { $0 << 8 | UInt64($1) }
  }
}

// The errors of RFC 9865 §2.1.
extension APIError {
  /// 400 `invalidCursor`.
  package static func invalidCursor() -> APIError {
    APIError(
      400, .invalidCursor,
      "The cursor is not valid for this query. Send it unchanged, with the same filter, sortBy and sortOrder, or start with an empty one."
    )
  }

  static func expiredCursor(lifetime: Int) -> APIError {
    APIError(400, .expiredCursor, "The cursor is older than \(lifetime) s. Start again with an empty one.")
  }

  /// 400 `invalidCount`.
  package static func invalidCount(_ count: String) -> APIError {
    APIError(
      400, .invalidCount, "count is '\(count.prefix(50))'; with a cursor, it must be a whole number from 1 to \(Page.maximumCount).")
  }
}
