import Foundation

/// The first characters of the text of a UUID, which stand for all UUIDs that start with them.
public struct UUIDPrefix: Sendable, Equatable {
  /// The prefix in lower case.
  public let text: String
  /// The lowest UUID with this prefix.
  public let lowest: UUID
  /// The highest UUID with this prefix.
  public let highest: UUID

  /// The least number of characters. Shorter prefixes are ambiguous, because the first eight digits of an id are a time to the minute.
  public static let minimumLength = 4

  /// Parses a prefix; nil if `text` is not the beginning of a UUID, or is too short.
  public init?(_ text: String) {
    let text = text.lowercased()
    let pattern = Array("00000000-0000-0000-0000-000000000000")
    guard text.count <= pattern.count, text.count >= Self.minimumLength,
      zip(text, pattern).allSatisfy({ $1 == "-" ? $0 == "-" : $0.isASCII && $0.isHexDigit })
    else { return nil }
    func completed(with digit: Character) -> UUID? {
      UUIDText.uuid((text + pattern.dropFirst(text.count).map { $0 == "-" ? "-" : digit }).utf8)
    }
    guard let lowest = completed(with: "0"), let highest = completed(with: "f") else { return nil }
    self.text = text
    self.lowest = lowest
    self.highest = highest
  }

  /// The UUID, if the prefix is a complete one.
  public var uuid: UUID? { lowest == highest ? lowest : nil }
}
