import EdgeHTTP
import EdgeReads
import Foundation
import Hummingbird

/// What a form of a page sent: `application/x-www-form-urlencoded`, as browsers write it.
struct Form: Sendable, Equatable {
  private var values: [String: [String]] = [:]

  /// The most bytes that a form has.
  static let maximumBytes = 256 << 10
  /// The most bytes of one that anybody can send, before it is known who they are.
  static let maximumBytesOfStrangers = 4 << 10

  /// - Parameter share: what the form takes of the memory for bodies, for as long as the caller keeps it.
  /// - Throws: 413, 415, 429, 503 or 400.
  init(of request: Request, maximum: Int = maximumBytes, share: inout BodyBudget.Share) async throws {
    guard let type = request.headers[.contentType], type.lowercased().hasPrefix("application/x-www-form-urlencoded") else {
      throw APIError(415, "A form of the console was expected: application/x-www-form-urlencoded.")
    }
    try self.init(try await BodyReader.collect(request, share: &share, maximum: maximum))
  }

  /// - Throws: 400 where a value is not percent-encoded UTF-8, or holds U+0000, which cannot be stored.
  init(_ bytes: some Sequence<UInt8>) throws(APIError) {
    for pair in Array(bytes).split(separator: UInt8(ascii: "&")) {
      let parts = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
      guard let name = Self.text(parts[0]), let value = Self.text(parts.count > 1 ? parts[1] : []) else {
        throw APIError(400, .invalidValue, "The form is not percent-encoded UTF-8.")
      }
      guard !value.utf8.contains(0) else { throw .nullCharacter(in: "The field '\(name.prefix(50))' of the form") }
      values[name, default: []].append(value)
    }
  }

  /// The first value of `name`, without white space around it; nil where it is not given or empty.
  subscript(name: String) -> String? {
    guard let value = values[name]?.first?.trimmed, !value.isEmpty else { return nil }
    return value
  }

  /// Every value of `name`: of check boxes.
  func all(_ name: String) -> [String] { values[name] ?? [] }

  private static func text(_ bytes: ArraySlice<UInt8>) -> String? {
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
