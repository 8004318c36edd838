import Crypto
import Foundation
import JWTKit
import Models
import Postgres
import TestSupport
import Testing

@testable import GroupSync

@Suite("A receipt")
struct ReceiptTests {
  private let ana = Fixture.user(1)
  private let team = Fixture.group(1)

  @Test("lists what a disabled user lost: visible groups, other groups, and the published events")
  func disabled() throws {
    var fixture = Fixture()
    fixture.apply(
      Fixture.userEvent(ana, .created, .active, version: 1), Fixture.groupEvent(team, .created, version: 1, adding: [ana]),
      Fixture.userEvent(ana, .disabled, .disabled, version: 2))
    let receipt = try #require(fixture.decider.receipts.first)
    #expect(fixture.decider.receipts.count == 1)
    #expect(receipt.member == ana)
    #expect(receipt.memberVersion == 2)
    #expect(receipt.reason == .disabled)
    #expect(receipt.revokedAt == Fixture.time)
    #expect(!receipt.invitationRevoked)
    #expect(receipt.groups == [DeprovisionReceipt.LostGroup(id: team, displayName: "Data team", wasVisible: true)])
    #expect(receipt.events.map(\.change) == [.accessRevoked, .memberDisabled, .groupMemberRemoved])
    #expect(receipt.events.map(\.id) == fixture.decider.published.suffix(3).map(\.event.id))

    // The later deletion removes the held memberships.
    fixture.apply(Fixture.userEvent(ana, .deleted, .disabled, version: 3))
    let last = try #require(fixture.decider.receipts.last)
    #expect(last.reason == .deleted)
    #expect(last.groups == [DeprovisionReceipt.LostGroup(id: team, displayName: "Data team", wasVisible: false)])
    #expect(last.events.map(\.change) == [.memberDeleted], "access was already revoked")
    #expect(last.id > receipt.id || last.id != receipt.id)
  }

  @Test("says that the invitation of a user who had not signed in was revoked")
  func invited() throws {
    var fixture = Fixture()
    fixture.apply(Fixture.userEvent(ana, .created, .invited, version: 1), Fixture.userEvent(ana, .deleted, .disabled, version: 2))
    let receipt = try #require(fixture.decider.receipts.first)
    #expect(receipt.invitationRevoked)
    #expect(receipt.groups == [])
  }

  @Test("is not written for users who lose nothing: created disabled, updated, or restated unchanged")
  func nothing() {
    var fixture = Fixture()
    fixture.apply(
      Fixture.userEvent(ana, .created, .disabled, version: 1), Fixture.userEvent(ana, .restated, .disabled, version: 1),
      Fixture.userEvent(Fixture.user(2), .restated, .disabled, version: 4),
      Fixture.userEvent(Fixture.user(3), .deleted, .disabled, version: 2))
    #expect(fixture.decider.receipts == [])
  }

  @Test("is stored once, has no personal data, and is sent as a token that the published key verifies")
  func token() async throws {
    let key = P256.Signing.PrivateKey()
    let events = try await SecurityEvents(pem: key.pemRepresentation, issuer: "https://rollcall.example", audience: "product")
    let store = try await DirectoryDatabase.start(securityEvents: events)
    let history = [
      Fixture.userEvent(ana, .created, .invited, version: 1), Fixture.groupEvent(team, .created, version: 1, adding: [ana]),
      Fixture.userEvent(ana, .deleted, .disabled, version: 2),
    ]
    try await store.apply(history)
    try await store.apply(history)
    let documents = try await store.reader.query(Statement("receipts", "select document from directory_read.receipts"))
    #expect(documents.count == 1)
    let document = try #require(documents.first).string(0)
    #expect(!document.contains("@") && !document.contains("Somebody"))
    let receipt: DeprovisionReceipt = try JSONData.decode(from: Array(document.utf8), type: "receipt")
    #expect(receipt.invitationRevoked)

    let sent = try await store.pool.query(
      Statement("tokens", "select encode(key, 'escape'), headers, payload from directory.outbox where topic = 'security.events'"))
    #expect(sent.count == 1)
    let row = try #require(sent.first)
    #expect(try row.string(0) == receipt.workspace.description)
    #expect(try row.textArray(1).contains("application/secevent+jwt"))
    let token = String(decoding: try row.bytes(2), as: UTF8.self)

    // Verify the token as a receiver does, with only the key set.
    let keys = try await JWTKeyCollection().add(jwksJSON: #"{"keys":[\#(events.key.jwk)]}"#)
    let claims = try await keys.verify(token, as: SecurityEventToken.self)
    #expect(claims.issuer == "https://rollcall.example")
    #expect(claims.audience == "product")
    #expect(claims.id == receipt.id.description)
    #expect(claims.subject == SecurityEventToken.Subject(uri: "/Users/\(ana)"))
    #expect(claims.events.deleted != nil && claims.events.deactivated == nil)
    #expect(claims.events.receipt.groups == [team])
    #expect(claims.events.receipt.invitationRevoked)
    let header = try #require(Data(base64Encoded: padded(token.prefix { $0 != "." })))
    let fields = try #require(try JSONSerialization.jsonObject(with: header) as? [String: Any])
    #expect(fields["typ"] as? String == "secevent+jwt")
    #expect(fields["kid"] as? String == events.key.id)
    let payload = try #require(Data(base64Encoded: padded(token.split(separator: ".")[1])))
    let names = try #require(try JSONSerialization.jsonObject(with: payload) as? [String: Any])
    #expect(names["sub"] == nil && names["exp"] == nil)
    #expect((names["events"] as? [String: Any])?["urn:ietf:params:scim:event:prov:delete"] != nil)

    let otherKey = SecurityEvents.PublicKey(P256.Signing.PrivateKey().publicKey)
    let other = try await JWTKeyCollection().add(jwksJSON: #"{"keys":[\#(otherKey.jwk)]}"#)
    await #expect(throws: (any Error).self) { try await other.verify(token, as: SecurityEventToken.self) }
  }

  @Test("of a user in very many groups results in a token that fits a message")
  func manyGroups() async throws {
    let events = try await SecurityEvents(pem: P256.Signing.PrivateKey().pemRepresentation, issuer: "rollcall", audience: nil)
    let groups = (0..<20_000).map { _ in
      DeprovisionReceipt.LostGroup(id: .made(at: Fixture.time), displayName: String(repeating: "n", count: 200), wasVisible: true)
    }
    let receipt = DeprovisionReceipt(
      id: .made(at: Fixture.time), workspace: Fixture.workspace, member: ana, memberVersion: 2, reason: .disabled, revokedAt: Fixture.time,
      invitationRevoked: false, groups: groups,
      events: groups.map {
        DeprovisionReceipt.SentEvent(id: "\(ana)/2/group.member-removed/\($0.id)", change: .groupMemberRemoved, group: $0.id)
      })
    let message = try await events.message(for: receipt, source: "group-sync/test")
    #expect(message.value.count < 1 << 19)
  }

  @Test("is not signed with an invalid key", arguments: ["", "key", P256.Signing.PrivateKey().publicKey.pemRepresentation])
  func noKey(pem: String) async {
    await #expect(throws: (any Error).self) { try await SecurityEvents(pem: pem, issuer: "rollcall", audience: nil) }
  }

  private func padded(_ text: Substring) -> String {
    let text = text.replacing("-", with: "+").replacing("_", with: "/")
    return text + String(repeating: "=", count: (4 - text.count % 4) % 4)
  }
}
