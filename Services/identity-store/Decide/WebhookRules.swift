import Foundation
import Models
import Primitives
import SCIM
import ServiceKit

/// The rules for webhook endpoints.
struct WebhookRules: Sendable, Equatable {
  /// Whether URLs may be `http://…`, for development.
  var allowsInsecureURLs = false
  /// Whether URLs may name hosts of private networks.
  var allowsPrivateAddresses = false

  /// The longest time for which a former secret signs, in seconds: 30 days.
  static let maximumRotation = 30 * 86_400.0

  /// Checks what an administrator has set.
  ///
  /// - Returns: The types of events, without repetitions; `nil`: all.
  /// - Throws: 400 that says what to change. It does not repeat the URL, which may contain a secret.
  func types(checking subscription: WebhookSubscription) throws(SCIMError) -> [DirectoryEvent.Kind]? {
    try check(url: subscription.url)
    guard subscription.description.utf8.count <= TextBounds.name, !subscription.description.contains("\0") else {
      throw .badRequest(
        .invalidValue,
        """
        The description of a webhook endpoint has at most \(TextBounds.name) bytes of UTF-8, and no U+0000; found \
        \(subscription.description.utf8.count) bytes.
        """)
    }
    guard let names = subscription.types else { return nil }
    guard !names.isEmpty else {
      throw .badRequest(.invalidValue, "A webhook endpoint receives at least one type of event. Leave out the types to receive all.")
    }
    let known = DirectoryEvent.Kind.allCases
    for name in names where DirectoryEvent.Kind(rawValue: name) == nil {
      throw .badRequest(
        .invalidValue,
        """
        There is no type of event '\(name.truncated(to: 60))'. The types are \(known.map(\.rawValue).joined(separator: ", ")). Leave out the \
        types to receive all.
        """)
    }
    return known.filter { names.contains($0.rawValue) }
  }

  private func check(url text: String) throws(SCIMError) {
    func invalid(_ detail: String) -> SCIMError { .badRequest(.invalidValue, "The URL of a webhook endpoint \(detail)") }
    guard text.utf8.count <= WebhookEndpoint.maximumURLSize else {
      throw invalid("has at most \(WebhookEndpoint.maximumURLSize) bytes; found \(text.utf8.count).")
    }
    guard text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }), let url = URLComponents(string: text),
      let scheme = url.scheme?.lowercased(),
      let host = url.host, !host.isEmpty
    else {
      throw invalid("must be an absolute URL such as https://app.example.com/rollcall, in ASCII: encode other characters.")
    }
    guard scheme == "https" || allowsInsecureURLs && scheme == "http" else {
      throw invalid(
        "must begin with https://, so that the events, which contain personal data, are encrypted. For development, the operator can allow "
          + "http:// (\(Setting.allowsInsecureWebhooks.environmentName)).")
    }
    guard url.user == nil, url.password == nil else {
      throw invalid("must not contain a user name or a password. Verify the signature of the events instead.")
    }
    guard url.fragment == nil else { throw invalid("must not have a fragment ('#…'), which is never sent.") }
    if let port = url.port, !(1...65_535).contains(port) { throw invalid("has a port from 1 to 65535; found \(port).") }
    guard allowsPrivateAddresses || Self.isPublic(host) else {
      throw invalid(
        "must name a host of the Internet, not one of a private network. The operator can allow those "
          + "(\(Setting.allowsPrivateWebhooks.environmentName)).")
    }
  }

  /// Whether a host may be on the Internet. What the name resolves to is checked with each delivery.
  private static func isPublic(_ host: String) -> Bool {
    let name = host.lowercased().trimmingCharacters(in: ["[", "]", "."])
    if let address = InternetAddress(name) { return address.isPublic }
    return name.contains(".") && !name.hasSuffix(".localhost") && !name.contains(":")
  }

  /// - Throws: 400 if the bytes cannot be the sealed form of a secret of 24 to 64 bytes.
  static func check(sealedSecret: [UInt8]) throws(SCIMError) {
    // AES-GCM adds a nonce of 12 bytes and a tag of 16 bytes.
    guard (24 + 28...64 + 28).contains(sealedSecret.count) else {
      throw .badRequest(.invalidValue, "The secret of a webhook endpoint is sealed by its sender; \(sealedSecret.count) bytes are none.")
    }
  }

  /// - Throws: 400 unless the time is in the next 30 days.
  static func check(formerUntil: Date?, at now: Date) throws(SCIMError) {
    guard let formerUntil else { return }
    guard now < formerUntil, formerUntil <= now + maximumRotation else {
      throw .badRequest(
        .invalidValue,
        "The former secret of a webhook endpoint can sign for up to 30 days more, or not at all; found until \(Timestamp.text(formerUntil))."
      )
    }
  }

  /// The URL up to its path, for the audit trail: the rest may contain a secret.
  static func urlWithoutSecrets(_ text: String) -> String {
    guard var url = URLComponents(string: text), let host = url.host, !host.isEmpty else { return "…" }
    let isComplete = url.query == nil && url.user == nil && url.fragment == nil
    (url.user, url.password, url.query, url.fragment) = (nil, nil, nil, nil)
    return (url.string ?? "…").truncated(to: 500) + (isComplete ? "" : " …")
  }
}
