/// The name of a host as DNS and URLs have it: labels of ASCII letters, digits and inner dashes (RFC 1123 §2.1), in lower case. Names in
/// other scripts are written in their ASCII form, `xn--…` (RFC 5890).
public struct HostName: Sendable, Hashable {
  public let text: String

  /// Takes `text` in whatever case, with or without the final dot.
  ///
  /// - Returns: nil where it is no name of at least two labels; an IP address is none.
  public init?(_ text: some StringProtocol) {
    var name = text.lowercased()
    if name.hasSuffix(".") { name.removeLast() }
    guard name.utf8.count <= 253 else { return nil }
    let labels = name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard labels.count >= 2, labels.allSatisfy(Self.isLabel), let last = labels.last, !last.allSatisfy(Self.isDigit) else { return nil }
    self.text = name
  }

  private static func isLabel(_ label: Substring.UTF8View) -> Bool {
    let dash = UInt8(ascii: "-")
    return (1...63).contains(label.count) && label.first != dash && label.last != dash
      && label.allSatisfy { isDigit($0) || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) || $0 == dash }
  }

  private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}
