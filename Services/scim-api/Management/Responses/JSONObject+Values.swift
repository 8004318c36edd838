import Foundation
import Models
import SCIM

extension JSONObject {
  /// Adds a member with a text; nothing if it is nil.
  mutating func add(_ key: String, _ text: String?) { self[key] = text.map(JSON.string) }

  /// Adds a member with a time; nothing if it is nil.
  mutating func add(_ key: String, _ time: Date?) { self[key] = time.map { .string(Timestamp.text($0)) } }

  /// Adds a member with a number; nothing if it is nil.
  mutating func add(_ key: String, _ number: Int?) { self[key] = number.map { .integer(Int64($0)) } }

  /// Adds a member with the text of an id; nothing if it is nil.
  mutating func add<Subject>(_ key: String, _ id: Identifier<Subject>?) { self[key] = id.map { .string("\($0)") } }
}

extension JSON {
  /// A time as a string.
  static func time(_ time: Date) -> JSON { .string(Timestamp.text(time)) }

  /// A number.
  static func number(_ number: Int) -> JSON { .integer(Int64(number)) }

  /// The text of an id.
  static func id<Subject>(_ id: Identifier<Subject>) -> JSON { .string("\(id)") }

  /// The JSON of a message or a setting.
  ///
  /// - Throws: the error of `JSONEncoder`.
  static func encoding(_ value: some Encodable) throws -> JSON { try JSON(parsing: JSONData.encode(value)) }
}
