import Foundation

/// The CloudEvents type of a message, divided into its name and its version: `rollcall.user.changed` and 1.
///
/// A release reads the version that it sends and the one before, so consumers and producers can be replaced in any order that puts the
/// consumers of a new version first. What a change of a version means:
///
/// - A field that consumers may ignore, or that may be missing, is added without a new version.
/// - A change that consumers must know gets a new version, and the former one stays readable for one release.
/// - Consumers of a new type or version are upgraded before its producers. A consumer that gets one too early sets it aside
///   (``MessageError/newerVersion(_:known:)``), so that it can be replayed.
struct MessageType: Sendable, Hashable {
  let name: Substring
  let version: Int

  /// Divides a type; nil if it has no version.
  init?(_ type: String) {
    guard let separator = type.range(of: ".v", options: .backwards), let version = Int(type[separator.upperBound...]), version > 0 else {
      return nil
    }
    name = type[..<separator.lowerBound]
    self.version = version
  }
}

extension MessageError {
  /// The error for a message that no decoder reads: ``newerVersion(_:known:)`` if `known` has an older version of the type, else
  /// ``unknownType(_:)``.
  ///
  /// - Parameter known: The types that are read.
  public static func unreadable(_ type: String, known: some Sequence<String>) -> MessageError {
    guard let found = MessageType(type) else { return .unknownType(type) }
    let versions = known.compactMap { MessageType($0) }.filter { $0.name == found.name }.map(\.version)
    guard let newest = versions.max(), newest < found.version else { return .unknownType(type) }
    return .newerVersion(type, known: newest)
  }
}
