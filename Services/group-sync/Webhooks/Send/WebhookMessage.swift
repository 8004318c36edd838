import Credentials
import Crypto
import Foundation
import Models
import Primitives

/// A request as Standard Webhooks describes it: id, time, signature and JSON body.
struct WebhookMessage: Sendable, Hashable {
  /// The header `webhook-id`, the same for every attempt at the same event and endpoint.
  var id: String
  /// `{"type":…,"timestamp":…,"data":…}`.
  var body: [UInt8]

  /// The ``type`` of a test.
  static let testType = "webhook.test"

  /// The message of an event.
  init(_ event: LoggedEvent, to endpoint: WebhookID) {
    id = Self.id(of: event.id, to: endpoint)
    body = Self.body(type: event.type, at: event.changedAt, data: event.data)
  }

  /// The message of a test.
  init(_ test: TestOrder) {
    id = Self.id(of: test.id.description, to: test.endpoint.id)
    body = Self.body(type: Self.testType, at: test.orderedAt, data: #"{"webhook":"\#(test.endpoint.id)"}"#)
  }

  /// A digest of both ids. It has no dot, which separates the parts of what is signed.
  static func id(of event: String, to endpoint: WebhookID) -> String {
    let digest = SHA256.hash(data: Data("\(endpoint)/\(event)".utf8))
    return "msg_" + Base64URL.encode(Array(digest.prefix(18)))
  }

  private static func body(type: String, at time: Date, data: String) -> [UInt8] {
    // Types consist of lower-case letters, dots and hyphens.
    Array(#"{"type":"\#(type)","timestamp":"\#(Timestamp.text(time))","data":\#(data)}"#.utf8)
  }

  /// The headers of a request.
  ///
  /// - Parameters:
  ///   - secrets: The secrets that sign: two while a secret is being rotated.
  ///   - now: The time of the attempt. The product rejects messages that are too old, so that nobody can send them again.
  func headers(secrets: [WebhookSecret], at now: Date) -> [(name: String, value: String)] {
    let timestamp = Int64(now.timeIntervalSince1970)
    return [
      ("content-type", "application/json"),
      ("user-agent", "Rollcall"),
      ("webhook-id", id),
      ("webhook-timestamp", String(timestamp)),
      ("webhook-signature", WebhookSignature.header(id: id, timestamp: timestamp, body: body, secrets: secrets)),
    ]
  }
}
