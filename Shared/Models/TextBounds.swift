/// How long texts may be that are not attributes of a resource, in bytes of UTF-8: settings, names of tokens, sign-ins.
///
/// Characters are no measure: one may consist of any number of combining marks.
public enum TextBounds {
  /// Names of workspaces, roles and tokens, and addresses: they are in indexes of the database, in lines of lists and in subjects of mails.
  public static let name = 1 << 10
  /// Any other text, such as a URL.
  public static let text = 8 << 10
}

extension String {
  /// The first characters of the text, with `…` in place of what is left out; whole characters, unless one alone is too long.
  ///
  /// - Parameters:
  ///   - characters: The most characters.
  ///   - bytes: The most bytes of UTF-8, `…` not counted.
  public func truncated(to characters: Int, bytes: Int = TextBounds.name) -> String {
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
    // One character of many combining marks: its first ones.
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
