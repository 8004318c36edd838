import Foundation
import MailTemplates
import Models

@testable import InvitationMailer

extension InvitationNotice {
  static func sample(
    reminder: Int = 0, email: String = "ana@example.com", givenName: String? = "Ana", displayName: String? = "Ana Lopez",
    language: String? = nil, workspace: String = "Acme Data", url: String = "https://acme.example.com/sign-in?sso=1&from=mail",
    customDomain: String? = nil, branding: InvitationBranding = InvitationBranding(), templates: [InvitationTemplate] = []
  ) throws -> InvitationNotice {
    InvitationNotice(
      id: InvitationID("0198f3a2-7b1c-8d11-9e51-2f6b8c1d4e5f")!, reminder: reminder, email: email, givenName: givenName,
      displayName: displayName, language: language,
      workspace: WorkspaceNotice(
        name: workspace, signInURL: url, customDomain: customDomain, branding: branding, templates: try CustomTemplates(templates)))
  }
}

extension Date {
  /// 2026-01-31 09:05:07 UTC, a Saturday.
  static let sample = Date(timeIntervalSince1970: 1_769_850_307)

  func adding(days: Double = 0, seconds: TimeInterval = 0) -> Date { addingTimeInterval(days * 86_400 + seconds) }
}

extension MailAddress {
  static let rollcall = MailAddress(name: "Rollcall", address: "invitations@rollcall.example")!
}

extension EmailMessage {
  static func sample(to email: String = "ana@example.com", displayName: String? = "Ana Lopez", workspace: String = "Acme Data") throws
    -> EmailMessage
  {
    try InvitationComposer(from: .rollcall).message(
      for: .sample(email: email, displayName: displayName, workspace: workspace), at: .sample)
  }
}
