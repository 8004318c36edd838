/// A part of a workspace's file, with consecutive lines.
///
/// `stage-workspace` stores it, and nothing is applied before ``WorkspaceImportStart``. `apply-workspace` applies it.
public struct WorkspaceImportPart: Sendable, Hashable, Codable {
  /// The import.
  public var importID: CommandID
  /// The number of the part, counted from 1.
  public var number: Int
  /// The number of the first line in the file, counted from 1.
  public var firstLine: Int
  /// The lines, each a record in JSON (`WorkspaceRecordLine`), without line breaks. The first line of the first part is the workspace.
  public var lines: [String]

  private enum CodingKeys: String, CodingKey {
    case importID = "import"
    case number, firstLine, lines
  }

  /// Creates a part.
  public init(importID: CommandID, number: Int, firstLine: Int, lines: [String]) {
    self.importID = importID
    self.number = number
    self.firstLine = firstLine
    self.lines = lines
  }

  /// The most lines of a part, which is applied in one transaction.
  public static let maximumLines = 500
  /// About the most bytes of the lines of a part. A single line may be larger, up to the size of a user.
  public static let maximumBytes = 2 << 20
}

/// Starts a completely staged import of a workspace. identity-store applies its parts one after the other.
public struct WorkspaceImportStart: Sendable, Hashable, Codable {
  /// The import.
  public var importID: CommandID
  /// The number of parts, all of which must be staged.
  public var parts: Int
  /// The number of lines of the file.
  public var lines: Int

  private enum CodingKeys: String, CodingKey {
    case importID = "import"
    case parts, lines
  }

  /// Creates the start of an import.
  public init(importID: CommandID, parts: Int, lines: Int) {
    self.importID = importID
    self.parts = parts
    self.lines = lines
  }
}
