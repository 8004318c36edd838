import EdgeHTTP
import EdgeReads
import Foundation
import Models
import SCIM

/// The JSON object of a request body that reports an event, such as a sign-in or a bounce.
struct EventBody: Sendable {
  private let object: JSONObject

  /// - Parameter members: the members that the event needs, for the error message: `'event' and 'messageId'`.
  /// - Throws: 400 if the body is not a JSON object.
  init(_ body: JSON, with members: String) throws(APIError) {
    guard let object = body.object else {
      throw APIError(400, .invalidSyntax, "The body must be a JSON object with \(members), found \(body.summary).")
    }
    self.object = object
  }

  /// The string member `name`; nil if it is absent, null or empty.
  ///
  /// - Throws: 400 if it is not a string.
  func text(_ name: String) throws(APIError) -> String? {
    switch object[name] {
    case nil, .null?: return nil
    case .string(let text)?: return text.isEmpty ? nil : text
    case let other?: throw APIError(400, .invalidValue, "\(name) must be a string, found \(other.summary).")
    }
  }

  /// The mail address `name`; nil if it is absent.
  ///
  /// - Throws: 400 if it is not an address without line breaks.
  func address(_ name: String) throws(APIError) -> String? {
    guard let text = try text(name) else { return nil }
    guard text.contains("@"), ResourceBounds.isName(text) else {
      throw APIError(
        400, .invalidValue,
        "\(name) must be an address of at most \(ResourceBounds.name) bytes, found '\(text.truncated(to: 100))' of \(text.utf8.count) bytes."
      )
    }
    guard !text.utf8.contains(where: { $0 == 0x0A || $0 == 0x0D }) else {
      throw APIError(400, .invalidValue, "\(name) contains a line break. Send the address alone.")
    }
    return text
  }

  /// The time `name`, which is not later than `now`; `now` if it is absent.
  ///
  /// - Parameter tolerance: how far in the future it may be, in seconds; nil if any time in the future counts as `now`.
  /// - Throws: 400 if it is not a time, or too far in the future.
  func time(_ name: String, at now: Date, tolerance: TimeInterval? = nil) throws(APIError) -> Date {
    guard let text = try text(name) else { return now }
    guard let time = Timestamp.date(text) else {
      throw APIError(400, .invalidValue, "\(name) must be a time such as \"2026-01-31T08:00:00Z\", found '\(text.prefix(100))'.")
    }
    if let tolerance, time > now + tolerance {
      throw APIError(400, .invalidValue, "\(name), \(text.prefix(100)), lies in the future. Check the clock of the sender.")
    }
    return min(time, now)
  }
}
