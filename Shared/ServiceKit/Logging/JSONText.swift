import Primitives

/// Writes JSON into bytes, for log lines and health answers.
struct JSONText {
  private(set) var bytes: [UInt8] = []

  init(capacity: Int = 512) {
    bytes.reserveCapacity(capacity)
  }

  /// Appends `text` as a string literal that stays on one line; see ``Primitives/JSONEscaping/appendPrintable(_:to:)``.
  mutating func string(_ text: String) {
    JSONEscaping.appendPrintable(text, to: &bytes)
  }

  /// Appends an object. `write` appends its members, each a ``name(_:)`` and a value.
  mutating func object(_ write: (inout JSONText) -> Void) {
    raw("{")
    write(&self)
    raw("}")
  }

  /// Appends the name of an object's next member; the value must follow.
  mutating func name(_ name: String) {
    if bytes.last != UInt8(ascii: "{") { raw(",") }
    string(name)
    raw(":")
  }

  /// Appends a member whose value is a string.
  mutating func member(_ name: String, _ value: String) {
    self.name(name)
    string(value)
  }

  /// Appends an array with one element for each of `elements`.
  mutating func array<Element>(_ elements: some Sequence<Element>, _ write: (inout JSONText, Element) -> Void) {
    raw("[")
    var isFirst = true
    for element in elements {
      if !isFirst { raw(",") }
      isFirst = false
      write(&self, element)
    }
    raw("]")
  }

  /// Appends text that is already JSON.
  mutating func raw(_ text: String) {
    bytes.append(contentsOf: text.utf8)
  }
}
