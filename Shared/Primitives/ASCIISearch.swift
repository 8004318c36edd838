/// Searches text for ASCII words without case.
///
/// Compares bytes. `contains` of the standard library compares characters, which takes many times as long.
public enum ASCIISearch {
  /// Whether `text` contains `word`, which is in lower case.
  public static func contains(_ word: String, in text: some StringProtocol) -> Bool { containsAny(of: [word], in: text) }

  /// Whether `text` contains one of `words`, which are in lower case.
  public static func containsAny(of words: [String], in text: some StringProtocol) -> Bool {
    let found = text.utf8.withContiguousStorageIfAvailable { bytes in words.contains { contains($0, in: bytes) } }
    return found ?? Array(text.utf8).withUnsafeBufferPointer { bytes in words.contains { contains($0, in: bytes) } }
  }

  private static func contains(_ word: String, in text: UnsafeBufferPointer<UInt8>) -> Bool {
    let word = word.utf8
    guard let first = word.first else { return true }
    guard text.count >= word.count else { return false }
    for start in 0...(text.count - word.count) where lowerCase(text[start]) == first {
      if zip(text[start...], word).allSatisfy({ lowerCase($0) == $1 }) { return true }
    }
    return false
  }

  private static func lowerCase(_ byte: UInt8) -> UInt8 { (0x41...0x5A).contains(byte) ? byte | 0x20 : byte }
}
