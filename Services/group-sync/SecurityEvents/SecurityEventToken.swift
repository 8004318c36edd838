import Foundation
import JWTKit
import Models

/// The claims of a security event token (RFC 8417 §2.2) about a user whose access was revoked. It has no `sub` and no `exp`, so that it
/// cannot be confused with an access token (§4).
struct SecurityEventToken: JWTPayload, Equatable {
  var issuer: String
  var audience: String?
  /// Seconds since 1970.
  var issuedAt: Int64
  /// When the event happened, in seconds since 1970.
  var happenedAt: Int64
  var id: String
  /// The id of the change, which is the same in all events that follow from it.
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

  /// A subject identifier (RFC 9493) of the format `scim` (RFC 9967): the path of the resource relative to the SCIM base URL.
  struct Subject: Codable, Sendable, Equatable {
    var format = "scim"
    var uri: String
  }

  /// The event in the terms of SCIM, of CAEP, and of the receipt.
  struct Events: Codable, Sendable, Equatable {
    /// SCIM events (RFC 9967) without content; one of the two is set.
    var deactivated: EmptyEvent?
    var deleted: EmptyEvent?
    var sessionRevoked: SessionRevoked
    var receipt: Receipt

    enum CodingKeys: String, CodingKey {
      case deactivated = "urn:ietf:params:scim:event:prov:deactivate"
      case deleted = "urn:ietf:params:scim:event:prov:delete"
      case sessionRevoked = "https://schemas.openid.net/secevent/caep/event-type/session-revoked"
      case receipt = "urn:rollcall:event:deprovision-receipt"
    }
  }

  struct EmptyEvent: Codable, Sendable, Equatable {}

  /// The CAEP event `session-revoked`: all sessions of the subject end.
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

  /// The summary of a receipt, whose size does not depend on the number of groups.
  struct Receipt: Codable, Sendable, Equatable {
    var workspace: WorkspaceID
    var receipt: ReceiptID
    var invitationRevoked: Bool
    var groupCount: Int
    /// The first groups.
    var groups: [GroupID]
    var eventCount: Int
    /// The CloudEvents ids of the first events.
    var events: [String]

    /// The maximum number of listed groups and events.
    static let maximumItems = 1000
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
      deactivated: receipt.reason == .disabled ? EmptyEvent() : nil, deleted: receipt.reason == .deleted ? EmptyEvent() : nil,
      sessionRevoked: SessionRevoked(
        happenedAt: time, reason: ["en": "The identity provider \(receipt.reason.rawValue) the account."]),
      receipt: Receipt(
        workspace: receipt.workspace, receipt: receipt.id, invitationRevoked: receipt.invitationRevoked,
        groupCount: receipt.groups.count, groups: receipt.groups.prefix(Receipt.maximumItems).map(\.id), eventCount: receipt.events.count,
        events: receipt.events.prefix(Receipt.maximumItems).map(\.id)))
  }

  /// Recipients check the issuer and the audience, so there is nothing to verify here.
  func verify(using algorithm: some JWTAlgorithm) async throws {}
}
