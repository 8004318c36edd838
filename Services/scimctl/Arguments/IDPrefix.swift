import ArgumentParser
import Foundation
import Models
import Primitives

/// An id argument: a complete id or its first characters.
struct IDPrefix: ExpressibleByArgument, Sendable, Equatable {
  private let prefix: UUIDPrefix

  /// The argument in lower case.
  var text: String { prefix.text }
  /// The lowest id with this prefix.
  var lowest: UUID { prefix.lowest }
  /// The highest id with this prefix.
  var highest: UUID { prefix.highest }
  /// The id, if the argument is a complete one.
  var uuid: UUID? { prefix.uuid }

  /// Returns nil if `argument` is not a prefix of a UUID.
  init?(argument: String) {
    guard let prefix = UUIDPrefix(argument) else { return nil }
    self.prefix = prefix
  }

  /// Parses a prefix.
  ///
  /// - Parameter list: The command that lists the ids, for the error message.
  /// - Throws: `ValidationError` if `text` is not a prefix of a UUID.
  init(_ text: String, list: String) throws {
    guard let prefix = IDPrefix(argument: text) else {
      throw ValidationError(
        "'\(text)' is neither an id nor the first \(UUIDPrefix.minimumLength) or more characters of one. '\(list)' shows the ids.")
    }
    self = prefix
  }

  /// The largest number of ids in an error message.
  static let maximumListed = 5

  /// Returns the only element of `found`.
  ///
  /// - Throws: ``ScimctlError`` if there is none, or more than one.
  static func only(of found: [UUID], _ text: String, _ what: String, list: String, in slug: String) throws(ScimctlError) -> UUID {
    guard let first = found.first else {
      throw ScimctlError(.notFound, "workspace \(slug) has no \(what) with an id that starts with '\(text)'. '\(list)' shows the ids")
    }
    guard found.count == 1 else {
      let listed = found.prefix(maximumListed).map { UUIDText.text($0) }.joined(separator: ", ")
      let more = found.count > maximumListed ? ", …" : ""
      throw ScimctlError(
        .usage, "workspace \(slug) has more than one \(what) with an id that starts with '\(text)': \(listed)\(more). Enter more of the id")
    }
    return first
  }
}
