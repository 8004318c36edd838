import EdgeHTTP
import EdgeReads
import Foundation
import Models
import ProvisioningLog

/// The view model of the provisioning log.
struct LogView: Sendable {
  var tabs: [ProvisioningTab]
  /// The searched person or group.
  var subject: String?
  var failedOnly: Bool
  var times: [FormOption]
  var from: String?
  var to: String?
  var dateError: String?
  /// The cause of failures that the list is limited to.
  var cause: Cause?
  var rows: [Row]
  var empty: EmptyState?
  var pager: Pager?

  /// A cause of failures.
  struct Cause: Sendable {
    var value: String
    var summary: String
    /// The path of the log without this filter.
    var clearPath: String
  }

  /// An entry in the list.
  struct Row: Sendable, Equatable {
    var path: String
    var at: String
    var purpose: String
    var subjectName: String?
    var request: String
    var sender: String?
    var provider: String?
    var status: Int
    var tone: String
    var result: String
    var scimType: String?
    var reason: String?
    var isReplay: Bool
  }

  /// Replaces an empty list.
  struct EmptyState: Sendable, Equatable {
    var heading: String
    var text: String
    var link: String
    var linkText: String
  }

  /// The number of entries on a page.
  static let pageSize = 50

  /// - Parameters:
  ///   - found: up to one more than ``pageSize``.
  ///   - tokens: the names of the tokens.
  init(
    _ search: LogSearch, _ found: [LogRepository.Listed], tokens: [TokenID: String], settings: WorkspaceSettings, tabs: [ProvisioningTab],
    isFirst: Bool
  ) {
    self.tabs = tabs
    subject = search.subject
    failedOnly = search.failedOnly
    times = LogSearch.Time.allCases.map { FormOption(value: $0.rawValue, name: $0.name, isChosen: $0 == search.time) }
    from = search.from
    to = search.to
    dateError = search.dateError
    self.cause = search.cause.map { cause in
      var unfiltered = search
      unfiltered.cause = nil
      return Cause(value: cause.rawValue, summary: cause.summary, clearPath: unfiltered.path())
    }
    let page = found.prefix(Self.pageSize)
    rows = page.map { Row($0, tokens: tokens, settings: settings) }
    pager = Pager(
      ifNeeded: isFirst ? nil : search.path(), next: found.count > Self.pageSize ? search.path(after: page.last?.entry.id) : nil)
    if rows.isEmpty, dateError == nil { empty = search.isFiltered || !isFirst ? .noMatch(search) : .noEntries }
  }
}

extension LogView.Row {
  init(_ listed: LogRepository.Listed, tokens: [TokenID: String], settings: WorkspaceSettings) {
    let entry = listed.entry
    path = ProvisioningPath.entry(entry.id)
    at = Timestamp.text(entry.at)
    purpose = RequestDescription.purpose(of: entry)
    subjectName = entry.name ?? listed.presentName
    request = RequestDescription.request(of: entry, path: RequestDescription.shortPath(of: entry))
    sender = entry.token.flatMap { tokens[$0] } ?? entry.replayOf.map { _ in "The console" }
    provider = entry.identityProvider.map(ConsoleText.identityProvider)
    status = entry.status
    tone = RequestDescription.tone(of: entry)
    result = RequestDescription.result(of: entry)
    scimType = entry.scimType
    reason =
      entry.relink?.summary ?? (listed.cause ?? Self.presentCause(of: entry, settings))?.summary
      ?? (entry.isPartlyApplied ? "Not applied: \(entry.unapplied.map(\.path).joined(separator: ", "))" : nil)
    isReplay = entry.replayOf != nil
  }

  /// The cause for entries that were written before causes were stored.
  private static func presentCause(of entry: LogEntry, _ settings: WorkspaceSettings) -> Diagnosis.Cause? {
    guard entry.isFailure else { return nil }
    var context = DiagnosisContext()
    context.settings = settings
    return Diagnosis(of: entry, context)?.cause
  }
}

extension LogView.EmptyState {
  fileprivate static let noEntries = LogView.EmptyState(
    heading: "Nothing has been pushed yet",
    text: "Requests of your identity provider that create, change or delete someone, or fail, appear here.",
    link: ConsoleSection.scim.path, linkText: "Connect an identity provider")

  fileprivate static func noMatch(_ search: LogSearch) -> LogView.EmptyState {
    let path = LogSearch().path()
    if search.failedOnly, search.subject == nil, search.time == .any {
      return LogView.EmptyState(
        heading: "Nothing failed", text: "All requests in the log succeeded.", link: path, linkText: "Show all entries")
    }
    return LogView.EmptyState(
      heading: "Nothing matches",
      text: "The log contains writes and rejected requests of the last 30 days, unless the operator has set another retention.",
      link: path, linkText: "Show all entries")
  }
}

/// The paths of pages that provisioning pages link to.
enum ProvisioningPath {
  static func entry(_ id: LogEntryID) -> String { "\(ConsoleSection.provisioning.path)/entries/\(id)" }
  static func member(_ id: ResourceID) -> String { "\(ConsoleSection.members.path)/\(id)" }
  static func group(_ id: ResourceID) -> String { "\(ConsoleSection.groups.path)/\(id)" }
}
