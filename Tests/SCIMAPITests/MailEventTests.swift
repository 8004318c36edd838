import Foundation
import HTTPTypes
import Models
import SCIM
import Testing

@testable import AdminConsole
@testable import EdgeHTTP
@testable import EdgeReads
@testable import ProductAPI
@testable import SCIMControllers
@testable import ScimAPI

@Suite("Mail events")
struct MailEventTests {
  private static let now = Date(timeIntervalSince1970: 1_767_225_600)
  private static let workspace = WorkspaceID.made(at: now)
  private static let invitation = InvitationID("0198f3a2-7b1c-8d11-9e51-2f6b8c1d4e5f")!

  private func event(_ body: String) throws -> MailEvent {
    try MailEvent(try JSON(parsing: body), in: Self.workspace, at: Self.now)
  }

  @Test(
    "identify the mail by Message-ID, also of a reminder, or by id",
    arguments: [
      #""messageId":"<0198f3a2-7b1c-8d11-9e51-2f6b8c1d4e5f@rollcall.example>""#,
      #""messageId":"0198f3a2-7b1c-8d11-9e51-2f6b8c1d4e5f.2@rollcall.example""#,
      #""invitation":"0198f3a2-7b1c-8d11-9e51-2f6b8c1d4e5f""#,
    ])
  func names(member: String) throws {
    let event = try event(#"{"event":"bounced","reason":"550 no such user","occurredAt":"2025-12-31T23:00:00Z",\#(member)}"#)
    #expect(
      event
        == MailEvent(
          workspace: Self.workspace, invitation: Self.invitation, email: nil, event: .bounced, reason: "550 no such user",
          occurredAt: Self.now - 3600))
  }

  @Test("identify the mail by address if there is no id")
  func address() throws {
    #expect(
      try event(#"{"event":"delivered","email":"Ana@example.com"}"#)
        == MailEvent(workspace: Self.workspace, invitation: nil, email: "Ana@example.com", event: .delivered, occurredAt: Self.now))
  }

  @Test(
    "are rejected if invalid or incomplete",
    arguments: [
      ("[]", "object"), (#"{"email":"a@b"}"#, "'event'"), (#"{"event":"opened","email":"a@b"}"#, "delivered, bounced"),
      (#"{"event":"bounced"}"#, "names no mail"), (#"{"event":"bounced","messageId":"<1@b>"}"#, "Message-ID"),
      (#"{"event":"bounced","invitation":"7"}"#, "id of an invitation"), (#"{"event":"bounced","email":"ana"}"#, "address"),
      (#"{"event":"bounced","email":"a@b","occurredAt":"now"}"#, "occurredAt"), (#"{"event":"bounced","email":7}"#, "string"),
    ])
  func refused(body: String, mention: String) {
    let refusal = #expect(throws: APIError.self) { try event(body) }
    #expect(refusal?.error.status == 400)
    #expect(refusal?.error.detail.contains(mention) == true, "\(refusal?.error.detail ?? "")")
  }
}
