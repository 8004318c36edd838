import EdgeHTTP
import EdgeReads
import Foundation
import Hummingbird
import Models
import ProvisioningLog

/// `/console/provisioning`: the log of the identity provider's requests, and a page for each entry that explains failures and can resend the
/// request.
struct ProvisioningLogController: ConsoleController {
  private let database: Database
  private let replays: EntryReplays
  private let logTemplate: ConsoleTemplate
  private let entryTemplate: ConsoleTemplate

  /// - Throws: an error if an embedded template cannot be parsed.
  init(database: Database, replays: EntryReplays) throws {
    self.database = database
    self.replays = replays
    logTemplate = try ConsoleTemplate(PackageResources.provisioningLog_mustache)
    entryTemplate = try ConsoleTemplate(PackageResources.logEntry_mustache)
  }

  func addRoutes(to group: RouterGroup<ConsoleContext>) {
    group.page("provisioning", use: list)
    group.page("provisioning/entries/{id}", use: show)
    group.form("provisioning/entries/{id}/replay", use: replay)
  }

  /// The query parameter of an entry that was just written.
  private static let sentParameter = "sent"
  /// How long the entry of a request may take to appear in the log, in seconds.
  private static let maximumDelay: TimeInterval = 120

  private func list(_ parameters: QueryParameters, _ context: ConsoleContext) async throws -> ConsolePage {
    let workspace = context.workspace
    let search = LogSearch(parameters)
    let last = try parameters["after"].map { text throws(APIError) in
      guard let id = LogEntryID(text) else { throw APIError.unknownPageOfList() }
      return id
    }
    async let tabs = ProvisioningTab.all(on: .log, in: workspace, of: database)
    let found =
      search.dateError == nil
      ? try await LogRepository(database, in: workspace).page(
        of: search.filter(at: Date()), after: last, limit: LogView.pageSize + 1, in: workspace) : []
    let tokens = try await TokenNames(database: database).names(of: Set(found.compactMap(\.entry.token)), in: workspace)
    let view = LogView(
      search, found, tokens: tokens, settings: context.session.caller.settings, tabs: try await tabs, isFirst: last == nil)
    return ConsolePage(
      title: "Provisioning log", section: .provisioning, status: view.dateError == nil ? .ok : .unprocessableContent,
      template: logTemplate, values: view)
  }

  private func show(_ parameters: QueryParameters, _ context: ConsoleContext) async throws -> ConsolePage {
    let id = try Self.id(in: context)
    var view = EntryView(tabs: try await ProvisioningTab.all(on: .log, in: context.workspace, of: database))
    let log = LogRepository(database, in: context.workspace)
    if let entry = try await log.entry(id, in: context.workspace) {
      let tokens = try await TokenNames(database: database).names(of: Set([entry.token].compactMap { $0 }), in: context.workspace)
      view.details = EntryView.Details(
        entry, try await log.diagnosis(of: entry), token: entry.token.flatMap { tokens[$0] },
        presentName: try await LogRepository.presentName(of: entry, in: context.workspace, of: database))
    } else if parameters[Self.sentParameter] != nil, Date() < id.time + Self.maximumDelay {
      view.isPending = true
    } else {
      throw APIError.noEntry(id.description)
    }
    return ConsolePage(title: view.details?.heading ?? "Request", section: .provisioning, template: entryTemplate, values: view)
  }

  private func replay(_ form: Form, _ context: ConsoleContext) async throws -> FormResult {
    let id = try Self.id(in: context)
    guard let entry = try await LogRepository(database, in: context.workspace).entry(id, in: context.workspace) else {
      throw APIError.noEntry(id.description)
    }
    let request: ReplayRequest
    do throws(ReplayRequest.Obstacle) {
      request = try ReplayRequest(entry)
    } catch {
      throw APIError(409, "Nothing was sent: \(error).")
    }
    let outcome = try await replays.send(
      request, of: id, by: context.session.caller, at: context.site.host, context.site.baseURL, peer: context.info.peer,
      logger: context.logger)
    let path = outcome.entry.map { "\(ProvisioningPath.entry($0))?\(Self.sentParameter)=1" } ?? ProvisioningPath.entry(id)
    return .redirect(to: path, message: Self.message(for: outcome), isFailure: outcome.status >= 400)
  }

  private static func message(for outcome: EntryReplays.Outcome) -> String {
    switch outcome.status {
    case ..<400 where outcome.entry == nil: "The request was sent again and answered with \(outcome.status)."
    case ..<400: "The request was sent again and answered with \(outcome.status). This is its new entry."
    default: "The request was sent again and rejected with \(outcome.status). This is its new entry, with the reason."
    }
  }

  private static func id(in context: ConsoleContext) throws(APIError) -> LogEntryID {
    let text = context.parameters.get("id") ?? ""
    guard let id = LogEntryID(text) else { throw .noEntry(text) }
    return id
  }
}

extension LogEntryID {
  /// The time of the request. The first 48 bits are the milliseconds since 1970.
  fileprivate var time: Date {
    Date(timeIntervalSince1970: Double(bytes.prefix(6).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }) / 1000)
  }
}

extension APIError {
  fileprivate static func noEntry(_ id: String) -> APIError {
    APIError(404, "The log has no entry '\(id.prefix(64))'. Entries are deleted after 30 days, or the retention that the operator has set.")
  }

  /// A list has no page that starts at the given position.
  static func unknownPageOfList() -> APIError { APIError(400, .invalidValue, "The list has no such page. Start at the first page.") }
}
