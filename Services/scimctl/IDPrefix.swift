import ArgumentParser
import Foundation
import Models
import Postgres
import Primitives

/// An id as an operator types it: the whole of it, or a beginning that only one thing has.
struct IDPrefix: ExpressibleByArgument, Sendable, Equatable {
  /// As it was typed, in lower case.
  let text: String
  /// The least and the greatest id that begin so.
  let lowest: UUID
  let highest: UUID

  /// Fewer hexadecimal digits are more likely a mistake than an id: the first eight of them are a minute.
  static let minimumLength = 4

  /// nil where `argument` cannot be the beginning of a UUID.
  init?(argument: String) {
    let text = argument.lowercased()
    let pattern = Array("00000000-0000-0000-0000-000000000000")
    guard text.count <= pattern.count, text.count >= Self.minimumLength,
      zip(text, pattern).allSatisfy({ $1 == "-" ? $0 == "-" : $0.isASCII && $0.isHexDigit })
    else { return nil }
    func completed(with digit: Character) -> UUID? {
      UUIDText.uuid((text + pattern.dropFirst(text.count).map { $0 == "-" ? "-" : digit }).utf8)
    }
    guard let lowest = completed(with: "0"), let highest = completed(with: "f") else { return nil }
    self.text = text
    self.lowest = lowest
    self.highest = highest
  }

  /// - Parameter list: the command that shows ids.
  /// - Throws: `ValidationError` where `text` cannot be the beginning of a UUID.
  init(_ text: String, list: String) throws {
    guard let prefix = IDPrefix(argument: text) else {
      throw ValidationError(
        "'\(text)' is no id, nor the beginning of one, of which at least \(Self.minimumLength) digits are needed; '\(list)' shows them.")
    }
    self = prefix
  }

  /// The one id that begins so.
  ///
  /// - Parameters:
  ///   - what: what it is the id of: "entry".
  ///   - list: the command that shows those there are.
  ///   - statement: finds the ids, least first, of workspace `$1` from `$2` to `$3`, at most `$4`.
  /// - Throws: ``Failure`` where none begins so, or several do; `PostgresError`.
  func resolve(
    _ what: String, list: String, in workspace: KnownWorkspace, on pool: PostgresPool, _ statement: Statement
  ) async throws -> UUID {
    let found = try await pool.query(
      statement, [.uuid(workspace.id.uuid), .uuid(lowest), .uuid(highest), .int(Int64(Self.maximumListed) + 1)]
    ).map { try $0.uuid(0) }
    return try Self.only(of: found, text, what, list: list, in: workspace.settings.slug)
  }

  /// The most ids that an error lists.
  private static let maximumListed = 5

  /// The one of `found`.
  static func only(of found: [UUID], _ text: String, _ what: String, list: String, in slug: String) throws(Failure) -> UUID {
    guard let first = found.first else {
      throw Failure(.notFound, "workspace \(slug) has no \(what) whose id is or begins with '\(text)'. '\(list)' shows those there are")
    }
    guard found.count == 1 else {
      let listed = found.prefix(maximumListed).map { UUIDText.text($0) }.joined(separator: ", ")
      let more = found.count > maximumListed ? ", …" : ""
      throw Failure(
        .usage, "workspace \(slug) has more than one \(what) whose id begins with '\(text)': \(listed)\(more). Give more of the id")
    }
    return first
  }
}
