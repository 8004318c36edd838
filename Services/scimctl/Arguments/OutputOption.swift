import ArgumentParser
import Models
import SCIM

/// The option `--json` of commands that list or show something.
struct OutputOption: ParsableArguments {
  @Flag(help: "Print JSON: an object, or one object per line for a list.")
  var json = false

  /// Prints a list as one JSON object per line, or as a table.
  ///
  /// - Throws: The error of the encoder.
  func print<Item: Encodable>(_ items: [Item], as table: ([Item]) -> Table) throws {
    guard json else { return table(items).print() }
    for item in items { Self.print(try JSONData.encode(item)) }
  }

  /// Prints an object as JSON, or as a table.
  ///
  /// - Throws: The error of the encoder.
  func print(_ item: some Encodable, as table: () -> Table) throws {
    guard json else { return table().print() }
    Self.print(try JSONData.encode(item))
  }

  /// Prints the JSON of something.
  static func print(_ json: JSON) { print(json.serialized()) }

  private static func print(_ json: [UInt8]) { Swift.print(String(decoding: json, as: UTF8.self)) }
}
