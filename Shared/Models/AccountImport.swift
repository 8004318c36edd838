import Foundation
import Primitives

/// An account of the product that exists independently of the identity provider, for example from before SCIM was enabled.
public struct ImportedAccount: Sendable, Hashable, Codable {
  /// The product's id of the account.
  public var id: String
  /// The address, which the product has verified; empty for a deleted account.
  public var email: String
  /// The id that the identity provider sends as `externalId`, if the product knows it.
  public var externalID: String?
  /// Whether the account can be used in the product.
  public var state: State

  /// Creates an account.
  public init(id: String, email: String, externalID: String? = nil, state: State = .active) {
    self.id = id
    self.email = email
    self.externalID = externalID
    self.state = state
  }

  private enum CodingKeys: String, CodingKey {
    case id, email, state
    case externalID = "externalId"
  }

  /// The state of an account in the product.
  public enum State: String, Sendable, Hashable, Codable, CaseIterable {
    /// The account can be used, or is disabled.
    case active, disabled
    /// The account no longer exists: it is removed, together with its link.
    case deleted
  }
}

/// Stores a part of an import. Nothing is applied before ``AccountImportStart``.
public struct AccountStaging: Sendable, Hashable, Codable {
  /// The import: the id of its first command.
  public var importID: CommandID
  /// The lines of the file.
  public var lines: [Line]

  private enum CodingKeys: String, CodingKey {
    case importID = "import"
    case lines
  }

  /// Creates a part of an import.
  public init(importID: CommandID, lines: [Line]) {
    self.importID = importID
    self.lines = lines
  }

  /// A line of the file.
  public struct Line: Sendable, Hashable, Codable {
    /// The number, counted from 1.
    public var number: Int
    /// The account.
    public var account: ImportedAccount

    /// Creates a line.
    public init(number: Int, account: ImportedAccount) {
      self.number = number
      self.account = account
    }
  }

  /// The most lines of a part.
  public static let maximumLines = 1000
  /// The most lines of an import.
  public static let maximumImport = 100_000
}

/// Starts a completely staged import. identity-store validates it against the stored accounts as a whole and applies it in chunks.
public struct AccountImportStart: Sendable, Hashable, Codable {
  /// The import.
  public var importID: CommandID
  /// The number of lines, all of which must be staged.
  public var lines: Int

  private enum CodingKeys: String, CodingKey {
    case importID = "import"
    case lines
  }

  /// Creates the start of an import.
  public init(importID: CommandID, lines: Int) {
    self.importID = importID
    self.lines = lines
  }
}

/// A chunk of an import, which identity-store sends to itself.
public struct AccountChunk: Sendable, Hashable, Codable {
  /// The import.
  public var importID: CommandID
  /// The lines.
  public var lines: [AccountStaging.Line]
  /// Users with the external ids of the lines, who may be linked.
  public var users: [UserID]

  private enum CodingKeys: String, CodingKey {
    case importID = "import"
    case lines, users
  }

  /// Creates a chunk.
  public init(importID: CommandID, lines: [AccountStaging.Line], users: [UserID]) {
    self.importID = importID
    self.lines = lines
    self.users = users
  }

  /// The most lines of a chunk, which is one transaction.
  public static let maximumLines = 500
}

/// Links a user to an imported account, or removes the link. ``Command/resource`` is the user.
public struct AccountLink: Sendable, Hashable, Codable {
  /// The product's id of the account.
  public var account: String

  /// Creates a link.
  public init(account: String) { self.account = account }
}

/// Removes the link of a user to an account. For a user who waits for a decision, it says that the account is another person's.
public struct AccountUnlink: Sendable, Hashable, Codable {
  /// Creates the command.
  public init() {}
}

extension ImportedAccount {
  /// Why the account cannot be stored, as a sentence; `nil` if it can.
  public var fault: String? {
    if id.isEmpty || id.utf8.count > TextBounds.name || !Self.isText(id) { return "id must have 1 to \(TextBounds.name) bytes." }
    if let externalID, externalID.isEmpty || externalID.utf8.count > TextBounds.name || !Self.isText(externalID) {
      return "externalId must have 1 to \(TextBounds.name) bytes, or be left out."
    }
    if state == .deleted {
      return email.utf8.count <= TextBounds.name && Self.isText(email) ? nil : "email has at most \(TextBounds.name) bytes."
    }
    let parts = email.split(separator: "@", omittingEmptySubsequences: false)
    guard parts.count == 2, parts.allSatisfy({ !$0.isEmpty }), email.utf8.count <= TextBounds.name, Self.isText(email),
      !email.contains(where: \.isWhitespace), ComparisonKey(email).text.utf8.count <= TextBounds.name
    else { return "email '\(email.truncated(to: 100))' is not an address such as ana@example.com, of at most \(TextBounds.name) bytes." }
    return nil
  }

  /// Whether PostgreSQL can store the text.
  private static func isText(_ text: String) -> Bool { !text.utf8.contains(0) }
}

/// A conflict of an imported account with another one.
public enum AccountConflict {
  /// The error of a line whose address or external id another account has.
  ///
  /// - Parameters:
  ///   - account: The id of the imported account.
  ///   - attribute: `email` or `externalId`.
  ///   - other: The id of the other account.
  public static func detail(account: String, attribute: String, other: String) -> String {
    """
    \(attribute) belongs to the account '\(other.truncated(to: 100))', not to '\(account.truncated(to: 100))'. If that account has another \
    \(attribute) now, or no longer exists, import that first.
    """
  }
}
