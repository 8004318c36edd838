import EdgeHTTP
import EdgeReads
import Foundation
import Models
import ProvisioningLog

/// What the log's template shows.
struct LogList: Sendable {
  var tabs: [ProvisioningTab]
  var who: String?
  var failedOnly: Bool
  var times: [Choice]
  var from: String?
  var to: String?
  var wrong: String?
  /// The kind of failure that alone is shown.
  var kind: Kind?
  var rows: [Row]
  var empty: Empty?
  var pager: ProvisioningPager?

  struct Choice: Sendable {
    var value: String
    var label: String
    var isChosen: Bool
  }

  struct Kind: Sendable {
    var value: String
    var words: String
    /// The log without that.
    var without: String
  }

  struct Row: Sendable, Equatable {
    var path: String
    var at: String
    var purpose: String
    var subject: String?
    var request: String
    var sender: String?
    var provider: String?
    var status: Int
    var tone: String
    var answer: String
    var scimType: String?
    var why: String?
    var isReplay: Bool
  }

  /// Why there is nothing.
  struct Empty: Sendable, Equatable {
    var heading: String
    var words: String
    var link: String
    var linkText: String
  }

  /// How many entries a part has.
  static let count = 50

  /// - Parameters:
  ///   - found: at most one more than a part has.
  ///   - tokens: what the tokens are called.
  init(
    _ search: LogSearch, _ found: [LogRepository.Listed], tokens: [TokenID: String], settings: WorkspaceSettings, tabs: [ProvisioningTab],
    isFirst: Bool
  ) {
    self.tabs = tabs
    who = search.who
    failedOnly = search.failedOnly
    times = LogSearch.Time.allCases.map { Choice(value: $0.rawValue, label: $0.name, isChosen: $0 == search.time) }
    from = search.from
    to = search.to
    wrong = search.wrong
    kind = search.cause.map { cause in
      var without = search
      without.cause = nil
      return Kind(value: cause.rawValue, words: cause.summary, without: without.path())
    }
    let part = found.prefix(Self.count)
    rows = part.map { Row($0, tokens: tokens, settings: settings) }
    pager = ProvisioningPager(
      first: isFirst ? nil : search.path(), next: found.count > Self.count ? search.path(after: part.last?.entry.id) : nil)
    if rows.isEmpty, wrong == nil { empty = search.isNarrowed || !isFirst ? .nothingFound(search) : .nothingYet }
  }
}

extension LogList.Row {
  init(_ listed: LogRepository.Listed, tokens: [TokenID: String], settings: WorkspaceSettings) {
    let entry = listed.entry
    path = ProvisioningPath.entry(entry.id)
    at = Timestamp.text(entry.at)
    purpose = RequestWords.purpose(entry)
    subject = entry.name ?? listed.presentName
    request = RequestWords.request(entry, path: RequestWords.path(entry))
    sender = entry.token.flatMap { tokens[$0] } ?? entry.replayOf.map { _ in "The console" }
    provider = entry.identityProvider.map(ProvisioningText.identityProvider)
    status = entry.status
    tone = RequestWords.tone(entry)
    answer = RequestWords.answer(entry)
    scimType = entry.scimType
    why =
      entry.relink?.summary ?? (listed.cause ?? Self.presentCause(of: entry, settings))?.summary
      ?? (entry.isPartlyApplied ? "Not applied: \(entry.unapplied.map(\.path).joined(separator: ", "))" : nil)
    isReplay = entry.replayOf != nil
  }

  /// For entries from before the kind of failure was kept.
  private static func presentCause(of entry: LogEntry, _ settings: WorkspaceSettings) -> Diagnosis.Cause? {
    guard entry.isFailure else { return nil }
    var facts = DiagnosisContext()
    facts.settings = settings
    return Diagnosis(of: entry, facts)?.cause
  }
}

extension LogList.Empty {
  fileprivate static let nothingYet = LogList.Empty(
    heading: "Nothing has been pushed yet",
    words: "As soon as your identity provider creates, changes or deletes someone, or is refused, you will see it here.",
    link: ConsoleSection.scim.path, linkText: "Connect an identity provider")

  fileprivate static func nothingFound(_ search: LogSearch) -> LogList.Empty {
    let whole = LogSearch().path()
    if search.failedOnly, search.who == nil, search.time == .any {
      return LogList.Empty(
        heading: "Nothing failed", words: "Everything that is in the log went well.", link: whole, linkText: "Show the whole log")
    }
    return LogList.Empty(
      heading: "Nothing matches",
      words:
        "The log has no such entry. It holds writes and whatever was refused, for 30 days unless the operator keeps it for longer or shorter.",
      link: whole, linkText: "Show the whole log")
  }
}

/// Where the pages of *Provisioning* are.
enum ProvisioningPath {
  static func entry(_ id: LogEntryID) -> String { "\(ConsoleSection.provisioning.path)/entries/\(id)" }
  static func member(_ id: ResourceID) -> String { "\(ConsoleSection.members.path)/\(id)" }
  static func group(_ id: ResourceID) -> String { "\(ConsoleSection.groups.path)/\(id)" }
}
