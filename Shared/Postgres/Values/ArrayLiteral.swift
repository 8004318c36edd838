extension PostgresValue {
  /// The text of a `text[]`, for a statement that is given one array a row: PostgreSQL's arrays of arrays have to be rectangular, so that
  /// it takes an array of texts and casts each.
  public static func arrayLiteral(_ elements: [String]) -> String {
    var literal: [UInt8] = [UInt8(ascii: "{")]
    literal.reserveCapacity(elements.reduce(2) { $0 + $1.utf8.count + 3 })
    for (index, element) in elements.enumerated() {
      if index > 0 { literal.append(UInt8(ascii: ",")) }
      literal.append(UInt8(ascii: "\""))
      for byte in element.utf8 {
        if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { literal.append(UInt8(ascii: "\\")) }
        literal.append(byte)
      }
      literal.append(UInt8(ascii: "\""))
    }
    literal.append(UInt8(ascii: "}"))
    return String(decoding: literal, as: UTF8.self)
  }
}
