import Foundation
import JWTKit
import Models

/// The claims of a security event token (RFC 8417 §2.2) about somebody whose access ended. It has no `sub` and no `exp`, so that nobody
/// takes it for a token of access (§4).
struct SecurityEventToken: JWTPayload, Equatable {
  var issuer: String
  var audience: String?
  /// Seconds since 1970.
  var issuedAt: Int64
  /// When it happened, likewise.
  var happenedAt: Int64
  var id: String
  /// The same in everything that comes of the change.
  var transaction: String
  var subject: Subject
  var events: Events

  enum CodingKeys: String, CodingKey {
    case issuer = "iss"
    case audience = "aud"
    case issuedAt = "iat"
    case happenedAt = "toe"
    case id = "jti"
    case transaction = "txn"
    case subject = "sub_id"
    case events
  }

  /// A subject identifier (RFC 9493) of the format `scim` (RFC 9967): the resource's path behind the SCIM base URL.
  struct Subject: Codable, Sendable, Equatable {
    var format = "scim"
    var uri: String
  }

  /// One occurrence, said in the terms of SCIM, of CAEP, and of the receipt.
  struct Events: Codable, Sendable, Equatable {
    /// SCIM's (RFC 9967): one of the two. They say all by their names.
    var deactivated: Nothing?
    var deleted: Nothing?
    var sessionRevoked: SessionRevoked
    var receipt: Receipt

    enum CodingKeys: String, CodingKey {
      case deactivated = "urn:ietf:params:scim:event:prov:deactivate"
      case deleted = "urn:ietf:params:scim:event:prov:delete"
      case sessionRevoked = "https://schemas.openid.net/secevent/caep/event-type/session-revoked"
      case receipt = "urn:rollcall:event:deprovision-receipt"
    }
  }

  struct Nothing: Codable, Sendable, Equatable {}

  /// CAEP's event of that name: every session of the subject.
  struct SessionRevoked: Codable, Sendable, Equatable {
    /// Seconds since 1970.
    var happenedAt: Int64
    var initiator = "admin"
    var reason: [String: String]

    enum CodingKeys: String, CodingKey {
      case happenedAt = "event_timestamp"
      case initiator = "initiating_entity"
      case reason = "reason_admin"
    }
  }

  /// What of a receipt fits a message, whatever the number of groups.
  struct Receipt: Codable, Sendable, Equatable {
    var workspace: WorkspaceID
    var receipt: ReceiptID
    var invitationRevoked: Bool
    var groupCount: Int
    /// The first of them.
    var groups: [GroupID]
    var eventCount: Int
    /// The CloudEvents ids of the first of them.
    var events: [String]

    static let most = 1000
  }

  init(_ receipt: DeprovisionReceipt, issuer: String, audience: String?, at now: Date) {
    let time = Int64(receipt.revokedAt.timeIntervalSince1970)
    self.issuer = issuer
    self.audience = audience
    issuedAt = Int64(now.timeIntervalSince1970)
    happenedAt = time
    id = receipt.id.description
    transaction = receipt.id.description
    subject = Subject(uri: "/Users/\(receipt.member)")
    events = Events(
      deactivated: receipt.reason == .disabled ? Nothing() : nil, deleted: receipt.reason == .deleted ? Nothing() : nil,
      sessionRevoked: SessionRevoked(
        happenedAt: time, reason: ["en": "The identity provider \(receipt.reason.rawValue) the account."]),
      receipt: Receipt(
        workspace: receipt.workspace, receipt: receipt.id, invitationRevoked: receipt.invitationRevoked,
        groupCount: receipt.groups.count, groups: receipt.groups.prefix(Receipt.most).map(\.id), eventCount: receipt.events.count,
        events: receipt.events.prefix(Receipt.most).map(\.id)))
  }

  /// Whoever takes the token in checks who issued it, and for whom.
  func verify(using algorithm: some JWTAlgorithm) async throws {}
}
