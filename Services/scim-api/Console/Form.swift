import EdgeHTTP
import EdgeReads
import Foundation
import Hummingbird

/// The fields of a submitted form in `application/x-www-form-urlencoded`.
struct Form: Sendable, Equatable {
  private var values: [String: [String]] = [:]

  /// The maximum size of a form in bytes.
  static let maximumBytes = 256 << 10
  /// The maximum size in bytes of a form that is sent without a session.
  static let maximumUnauthenticatedBytes = 4 << 10

  /// Reads the body of a request.
  ///
  /// - Parameter share: reserves the memory of the body until the caller releases it.
  /// - Throws: 413, 415, 429, 503 or 400.
  init(of request: Request, maximum: Int = maximumBytes, share: inout BodyBudget.Share) async throws {
    guard let type = request.headers[.contentType], type.lowercased().hasPrefix("application/x-www-form-urlencoded") else {
      throw APIError(415, "The request must be a form (application/x-www-form-urlencoded).")
    }
    try self.init(try await BodyReader.collect(request, share: &share, maximum: maximum))
  }

  /// Parses an encoded form.
  ///
  /// - Throws: 400 if a value is not percent-encoded UTF-8, or contains U+0000, which PostgreSQL cannot store.
  init(_ bytes: some Sequence<UInt8>) throws(APIError) {
    for pair in Array(bytes).split(separator: UInt8(ascii: "&")) {
      let field = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
      guard let name = Self.decoded(field[0]), let value = Self.decoded(field.count > 1 ? field[1] : []) else {
        throw APIError(400, .invalidValue, "The form is not percent-encoded UTF-8.")
      }
      guard !value.utf8.contains(0) else { throw .nullCharacter(in: "The field '\(name.prefix(50))' of the form") }
      values[name, default: []].append(value)
    }
  }

  /// The first value of a field, trimmed; nil if it is missing or empty.
  subscript(name: String) -> String? {
    guard let value = values[name]?.first?.trimmed, !value.isEmpty else { return nil }
    return value
  }

  /// All values of a field, such as a group of check boxes.
  func all(_ name: String) -> [String] { values[name] ?? [] }

  private static func decoded(_ bytes: ArraySlice<UInt8>) -> String? {
    String(decoding: bytes.map { $0 == UInt8(ascii: "+") ? UInt8(ascii: " ") : $0 }, as: UTF8.self).removingPercentEncoding
  }
}

extension String {
  fileprivate var trimmed: String {
    var text = Substring(self)
    while text.first?.isWhitespace == true { text.removeFirst() }
    while text.last?.isWhitespace == true { text.removeLast() }
    return String(text)
  }
}
