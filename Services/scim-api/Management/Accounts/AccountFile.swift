import EdgeHTTP
import Foundation
import Models
import Primitives
import SCIM

/// The lines of an import: NDJSON, one account per line, with what is wrong with them.
///
/// Lines are read one by one, so that the file is never in memory as a whole. What is kept are the ids and addresses, to find duplicates.
struct AccountFile: Sendable {
  /// The accounts that were read and not taken yet.
  private(set) var lines: [AccountStaging.Line] = []
  /// The first errors, in the order of the lines.
  private(set) var errors: [ProblemDetails.Item] = []
  /// The number of accounts.
  private(set) var count = 0

  private var number = 0
  private var partial: [UInt8] = []
  private var isTooLong = false
  private var lineOfID: [String: Int] = [:]
  private var lineOfEmail: [String: Int] = [:]
  private var lineOfExternalID: [String: Int] = [:]

  /// The largest file, in bytes.
  static let maximumBytes = 32 << 20
  /// The largest line, in bytes: three texts of the largest size, escaped.
  static let maximumLine = 32 << 10

  /// Whether there are as many errors as a response contains, so that the rest of the file need not be read.
  var hasTooManyErrors: Bool { errors.count >= ProblemDetails.maximumErrors }

  /// Reads a part of the file.
  mutating func append(_ bytes: some Collection<UInt8>) {
    var rest = bytes[...]
    while !hasTooManyErrors, let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
      extend(with: rest[..<end])
      endLine()
      rest = rest[rest.index(after: end)...]
    }
    extend(with: rest)
  }

  /// Reads the last line, which need not end with a line break.
  mutating func finish() {
    if !partial.isEmpty || isTooLong { endLine() }
  }

  /// Takes the next accounts, at most a part of an import.
  mutating func takeLines() -> [AccountStaging.Line] {
    let taken = lines.prefix(AccountStaging.maximumLines)
    lines.removeFirst(taken.count)
    return Array(taken)
  }

  /// Adds errors that were found in the stored accounts.
  mutating func add(_ conflicts: [ProblemDetails.Item]) {
    errors += conflicts.prefix(max(0, ProblemDetails.maximumErrors - errors.count))
  }

  private mutating func extend(with bytes: some Collection<UInt8>) {
    guard partial.count + bytes.count <= Self.maximumLine else {
      isTooLong = true
      return partial.removeAll()
    }
    if !isTooLong { partial.append(contentsOf: bytes) }
  }

  private mutating func endLine() {
    defer {
      partial.removeAll(keepingCapacity: true)
      isTooLong = false
    }
    number += 1
    if isTooLong { return fail("The line has more than \(Self.maximumLine) bytes.") }
    // RFC 8259 §8.1: a byte order mark may be ignored.
    if number == 1, partial.starts(with: [0xEF, 0xBB, 0xBF]) { partial.removeFirst(3) }
    guard partial.contains(where: { !Self.blanks.contains($0) }) else { return }
    count += 1
    guard count <= AccountStaging.maximumImport else {
      if count == AccountStaging.maximumImport + 1 {
        fail("An import has at most \(AccountStaging.maximumImport) accounts. Send the rest in another one.")
      }
      return
    }
    do throws(AccountLineError) {
      let account = try ImportedAccount(line: partial)
      if let duplicate = duplicate(of: account) { return fail(duplicate) }
      lines.append(AccountStaging.Line(number: number, account: account))
    } catch {
      fail(error.detail)
    }
  }

  private static let blanks = Set(" \t\r".utf8)

  private mutating func fail(_ detail: String) {
    if !hasTooManyErrors { errors.append(ProblemDetails.Item(.line(number), detail)) }
  }

  /// What an earlier line has, as a sentence; `nil` if the account is new to the file.
  private mutating func duplicate(of account: ImportedAccount) -> String? {
    let number = number
    func earlier(_ key: String, in lines: inout [String: Int]) -> Int? {
      if let line = lines[key] { return line }
      lines[key] = number
      return nil
    }
    if let line = earlier(account.id, in: &lineOfID) { return "Line \(line) has the id, too." }
    guard account.state != .deleted else { return nil }
    if let line = earlier(ComparisonKey(account.email).text, in: &lineOfEmail) {
      return "Line \(line) has the email, too; addresses are compared without case."
    }
    if let id = account.externalID, let line = earlier(id, in: &lineOfExternalID) { return "Line \(line) has the externalId, too." }
    return nil
  }
}

/// What is wrong with a line of an import.
struct AccountLineError: Error, Sendable {
  var detail: String
}

extension ImportedAccount {
  private static let members = ["id", "email", "externalId", "state"]

  /// Reads a line: an object with `id`, `email`, and optionally `externalId` and `state`.
  init(line: [UInt8]) throws(AccountLineError) {
    let object = try Self.object(line)
    func text(_ name: String) throws(AccountLineError) -> String? {
      switch object[name] {
      case nil, .null?: return nil
      case .string(let text)?: return text
      case let other?: throw AccountLineError(detail: "\(name) must be a string, found \(other.summary).")
      }
    }
    if let unknown = object.keys.first(where: { !Self.members.contains($0) }) {
      throw AccountLineError(detail: "'\(unknown.prefix(100))' is not known; expected: \(Self.members.joined(separator: ", ")).")
    }
    let stateText = try text("state") ?? State.active.rawValue
    guard let state = State(rawValue: stateText) else {
      let states = State.allCases.map(\.rawValue).joined(separator: ", ")
      throw AccountLineError(detail: "state is '\(stateText.prefix(50))'; one of \(states) was expected.")
    }
    guard let id = try text("id") else { throw AccountLineError(detail: "id is missing: the product's id of the account.") }
    guard let email = try text("email") ?? (state == .deleted ? "" : nil) else {
      throw AccountLineError(detail: "email is missing: the address of the account, which the product has verified.")
    }
    self.init(id: id, email: email, externalID: try text("externalId"), state: state)
    if let fault { throw AccountLineError(detail: fault) }
  }

  private static func object(_ line: [UInt8]) throws(AccountLineError) -> JSONObject {
    let json: JSON
    do {
      json = try JSON(parsing: line)
    } catch {
      throw AccountLineError(detail: "The line is not JSON: \(error).")
    }
    guard let object = json.object else { throw AccountLineError(detail: "The line must be a JSON object, found \(json.summary).") }
    return object
  }
}
