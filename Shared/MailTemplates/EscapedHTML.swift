import Mustache

/// HTML in which every value is text, whatever Unicode it is made of.
///
/// swift-mustache's own compares characters, and a reader of HTML knows code points alone: `<` behind U+0600, or `"` before U+0301, is one
/// character with its neighbour, equal to none that is to be escaped, and would get out as it is.
package struct EscapedHTML: MustacheContentType {
  package init() {}

  package func escapeText(_ text: String) -> String {
    var escaped: [UInt8] = []
    escaped.reserveCapacity(text.utf8.count)
    // In UTF-8 no byte of these is part of anything else.
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

  /// Once, before the first template names it.
  fileprivate static let registration: Void = MustacheContentTypes.register(EscapedHTML(), named: name)
}

// Every template is made by one of these: what a template that does not name its kind escapes is left to the library, and so it is in each
// partial, whatever the template around it says.
extension MustacheTemplate {
  /// A template, or a partial, of HTML.
  package init(html template: String) throws {
    _ = EscapedHTML.registration
    try self.init(string: "{{% CONTENT_TYPE:\(EscapedHTML.name)}}\n\(template)")
  }

  /// A template of plain text, in which nothing is escaped.
  package init(text template: String) throws {
    try self.init(string: "{{% CONTENT_TYPE:TEXT}}\n\(template)")
  }
}
