/// How a workspace's invitations look, and whom they name; what is nil is as built in.
public struct InvitationBranding: Sendable, Hashable, Codable {
  /// Of buttons and links: `#2f5fe0`.
  public var colour: String?
  /// An https address of the workspace's logo.
  public var logoURL: String?
  /// Where answers go.
  public var replyTo: String?
  /// Whom people may ask: an address.
  public var support: String?
  /// Who invites; "your administrator" in the mail's language where nobody is named.
  public var inviter: String?

  public init(
    colour: String? = nil, logoURL: String? = nil, replyTo: String? = nil, support: String? = nil, inviter: String? = nil
  ) {
    self.colour = colour
    self.logoURL = logoURL
    self.replyTo = replyTo
    self.support = support
    self.inviter = inviter
  }

  public var isEmpty: Bool { self == InvitationBranding() }

  /// The first thing in it that a mail cannot have, in words for an operator; nil where all is well.
  public var fault: String? {
    if let colour, !Self.isColour(colour) { return "'\(colour.prefix(40))' is no colour: write it as #2f5fe0" }
    if let logoURL, !Self.isLink(logoURL) { return "'\(logoURL.prefix(200))' is no https address of a logo" }
    for address in [replyTo, support].compactMap({ $0 }) where !Self.isAddress(address) {
      return "'\(address.prefix(100))' is no address"
    }
    if let inviter, inviter.isEmpty || inviter.count > 100 || inviter.utf8.count > TextBounds.name || inviter.contains(where: \.isNewline) {
      return "the inviter is a name of 1 to 100 characters on one line"
    }
    return nil
  }

  private static func isColour(_ text: String) -> Bool {
    text.count == 7 && text.first == "#" && text.dropFirst().allSatisfy { $0.isASCII && $0.isHexDigit }
  }

  private static func isLink(_ text: String) -> Bool {
    text.hasPrefix("https://") && text.count > 8 && text.utf8.count <= 1000
      && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !#"<>"'\"#.utf8.contains($0) }
  }

  private static func isAddress(_ text: String) -> Bool {
    let parts = text.split(separator: "@", omittingEmptySubsequences: false)
    return parts.count == 2 && !parts[0].isEmpty && !parts[1].isEmpty && text.utf8.count <= 254
      && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !#"<>(),;:\""#.utf8.contains($0) }
  }
}
