/// The look of a workspace's invitation mails, and the names in them. `nil` means the built-in default.
public struct InvitationBranding: Sendable, Hashable, Codable {
  /// The colour of buttons and links, such as `#2f5fe0`.
  public var colour: String?
  /// The `https` URL of the logo.
  public var logoURL: String?
  /// The `Reply-To` address.
  public var replyTo: String?
  /// The address for questions.
  public var support: String?
  /// The name of the inviter; by default "your administrator" in the language of the mail.
  public var inviter: String?

  /// Creates a branding.
  public init(
    colour: String? = nil, logoURL: String? = nil, replyTo: String? = nil, support: String? = nil, inviter: String? = nil
  ) {
    self.colour = colour
    self.logoURL = logoURL
    self.replyTo = replyTo
    self.support = support
    self.inviter = inviter
  }

  /// Whether everything is the built-in default.
  public var isEmpty: Bool { self == InvitationBranding() }

  /// Why the branding is invalid, as a clause for the operator; `nil` if it is valid.
  public var fault: String? {
    if let colour, !Self.isColour(colour) { return "'\(colour.prefix(40))' is not a colour: write it as #2f5fe0" }
    if let logoURL, !Self.isLink(logoURL) { return "'\(logoURL.prefix(200))' is not an https URL of a logo" }
    for address in [replyTo, support].compactMap({ $0 }) where !Self.isAddress(address) {
      return "'\(address.prefix(100))' is not an address"
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
