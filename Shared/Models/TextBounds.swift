/// Size limits in UTF-8 bytes for texts outside resources: settings, names of tokens, sign-ins.
///
/// Characters are not a usable limit, because one character can have any number of combining marks.
public enum TextBounds {
  /// The limit for names of workspaces, roles and tokens, and for addresses, which are in indexes, lists and subject lines.
  public static let name = 1 << 10
  /// The limit for any other text, such as a URL.
  public static let text = 8 << 10
}

extension String {
  /// The first characters of the text, followed by `…` if it is truncated. A character is only split if it alone is too long.
  ///
  /// - Parameters:
  ///   - characters: The most characters.
  ///   - bytes: The most bytes of UTF-8, `…` not counted.
  public func truncated(to characters: Int, bytes: Int = TextBounds.name) -> String {
    if utf8.count <= min(characters, bytes) { return self }
    var end = startIndex
    var count = 0
    while end < endIndex, count < characters {
      let next = index(after: end)
      guard utf8.distance(from: startIndex, to: next) <= bytes else { break }
      end = next
      count += 1
    }
    guard end < endIndex else { return self }
    guard end == startIndex, characters > 0 else { return self[..<end] + "…" }
    // One character with many combining marks: keep the first ones.
    var scalars = String.UnicodeScalarView()
    var size = 0
    for scalar in unicodeScalars {
      size += UTF8.width(scalar)
      guard size <= bytes else { break }
      scalars.append(scalar)
    }
    return String(scalars) + "…"
  }
}
