import Foundation
import Models

/// The colours of a mail, derived from the workspace's branding. The defaults apply if it has none.
struct MailColours: Sendable, Hashable {
  /// The button's background in light mode.
  var colour = "#2f5fe0"
  /// The button's background in dark mode.
  var darkColour = "#3d6bf0"
  /// The button's text.
  var onColour = "#ffffff"
  /// Links on a white background.
  var linkColour = "#2f5fe0"

  init(_ branding: InvitationBranding) {
    guard let chosen = branding.colour, let luminance = Self.luminance(of: chosen) else { return }
    colour = chosen
    darkColour = chosen
    // Black or white, whichever has more contrast (WCAG 2.2, relative luminance).
    onColour = luminance > 0.179 ? "#14161a" : "#ffffff"
    // A link on white needs a contrast of at least 4.5.
    if 1.05 / (luminance + 0.05) >= 4.5 { linkColour = chosen }
  }

  private static func luminance(of colour: String) -> Double? {
    guard colour.count == 7, colour.first == "#", let value = UInt32(colour.dropFirst(), radix: 16) else { return nil }
    func channel(_ shift: UInt32) -> Double {
      let part = Double(value >> shift & 0xFF) / 255
      return part <= 0.04045 ? part / 12.92 : pow((part + 0.055) / 1.055, 2.4)
    }
    return 0.2126 * channel(16) + 0.7152 * channel(8) + 0.0722 * channel(0)
  }
}
