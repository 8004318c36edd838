import Mustache

/// The mustache content type for HTML, which escapes every value.
///
/// swift-mustache's own content type compares characters, but HTML parsers read code points: `<` after U+0600, or `"` before U+0301, forms one
/// character with its neighbour and would not be escaped.
package struct EscapedHTML: MustacheContentType {
  /// Creates the content type.
  package init() {}

  /// Replaces the five special characters of HTML by entities.
  package func escapeText(_ text: String) -> String {
    var escaped: [UInt8] = []
    escaped.reserveCapacity(text.utf8.count)
    // In UTF-8, ASCII bytes are never part of another character.
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "&"): escaped += "&amp;".utf8
      case UInt8(ascii: "<"): escaped += "&lt;".utf8
      case UInt8(ascii: ">"): escaped += "&gt;".utf8
      case UInt8(ascii: "\""): escaped += "&quot;".utf8
      case UInt8(ascii: "'"): escaped += "&#39;".utf8
      default: escaped.append(byte)
      }
    }
    return String(decoding: escaped, as: UTF8.self)
  }

  fileprivate static let name = "ROLLCALL_HTML"

  /// Registers the content type once, before the first template uses it.
  fileprivate static let registration: Void = MustacheContentTypes.register(EscapedHTML(), named: name)
}

// All templates are created by these initialisers. A template or partial without a content type would use the library's default, even inside
// a template with one.
extension MustacheTemplate {
  /// Parses an HTML template or partial.
  ///
  /// - Throws: `MustacheTemplate.Error` if the syntax is invalid.
  package init(html template: String) throws {
    _ = EscapedHTML.registration
    try self.init(string: "{{% CONTENT_TYPE:\(EscapedHTML.name)}}\n\(template)")
  }

  /// Parses a plain text template. Values are not escaped.
  ///
  /// - Throws: `MustacheTemplate.Error` if the syntax is invalid.
  package init(text template: String) throws {
    try self.init(string: "{{% CONTENT_TYPE:TEXT}}\n\(template)")
  }
}
