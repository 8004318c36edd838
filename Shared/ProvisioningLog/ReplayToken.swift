import Models

/// The name of a token that was made to send one logged request again: it says which, so that the new entry can name the old one.
public struct ReplayToken: Sendable, Hashable {
  public var entry: LogEntryID
  /// Who sends it again.
  public var `operator`: String

  public init(entry: LogEntryID, operator: String) {
    self.entry = entry
    self.operator = `operator`
  }

  public var name: String { "replay of \(entry) by \(`operator`)" }

  /// nil where `name` is that of another token.
  public init?(_ name: String) {
    let words = name.split(separator: " ", maxSplits: 4)
    guard words.count == 5, words[0] == "replay", words[1] == "of", words[3] == "by", let entry = LogEntryID(words[2]) else { return nil }
    self.init(entry: entry, operator: String(words[4]))
  }
}
