import EdgeHTTP
import EdgeReads
import Foundation
import Models
import Postgres
import ProvisioningLog

/// *Provisioning › Log › an entry*: everything about one request, why it failed, what to do, and sending it again.
struct EntryPage: Sendable {
  let database: Database
  let replays: EntryReplays
  private let template: ConsoleTemplate

  init(database: Database, replays: EntryReplays) throws {
    self.database = database
    self.replays = replays
    template = try ConsoleTemplate(PackageResources.logEntry_mustache)
  }

  var all: [ConsoleEndpoint] {
    [.page("/provisioning/entries/{id}", show), .action("/provisioning/entries/{id}/replay", replay)]
  }

  /// Says that the request was sent from here a moment ago.
  private static let sent = "sent"
  /// How long after a request its entry may still be on its way.
  private static let lateness: TimeInterval = 120

  @Sendable private func show(_ parameters: QueryParameters, _ context: ConsoleContext) async throws -> ConsolePage {
    let id = try Self.id(in: context)
    var view = EntryView(tabs: try await ProvisioningTab.all(on: .log, in: context.workspace, of: database))
    let log = LogRepository(database, in: context.workspace)
    if let entry = try await log.entry(id, in: context.workspace) {
      let tokens = try await TokenNames(database: database).names(of: Set([entry.token].compactMap { $0 }), in: context.workspace)
      view.shown = EntryView.Shown(
        entry, try await log.diagnosis(of: entry), token: entry.token.flatMap { tokens[$0] },
        presentName: try await presentName(of: entry, in: context.workspace))
    } else if parameters[Self.sent] != nil, Date() < id.time + Self.lateness {
      view.isPending = true
    } else {
      throw APIError.noEntry(id.description)
    }
    return ConsolePage(title: view.shown?.heading ?? "Request", section: .provisioning, template: template, values: view)
  }

  @Sendable private func replay(_ form: Form, _ context: ConsoleContext) async throws -> ConsoleEndpoint.Answer {
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
    let outcome = try await replays.send(request, of: id, in: context)
    let path = outcome.entry.map { "\(ProvisioningPath.entry($0))?\(Self.sent)=1" } ?? ProvisioningPath.entry(id)
    return .redirect(to: path, saying: Self.words(outcome), isFailure: outcome.status >= 400)
  }

  private static func words(_ outcome: EntryReplays.Outcome) -> String {
    switch outcome.status {
    case ..<400 where outcome.entry == nil: "The request was sent again and answered with \(outcome.status): it went well."
    case ..<400: "The request was sent again and answered with \(outcome.status). This is its new entry."
    default: "The request was sent again and refused with \(outcome.status). This is its new entry, with the reason."
    }
  }

  private func presentName(of entry: LogEntry, in workspace: WorkspaceID) async throws -> String? {
    guard let resource = entry.resource, let type = entry.resourceType else { return nil }
    let statement = type == .user ? Self.userStatement : Self.groupStatement
    return try await database.query(statement, [.uuid(workspace.uuid), .uuid(resource.uuid)], in: workspace).first?.string(0)
  }

  private static func id(in context: ConsoleContext) throws(APIError) -> LogEntryID {
    let text = context.parameters.get("id") ?? ""
    guard let id = LogEntryID(text) else { throw .noEntry(text) }
    return id
  }

  private static let userStatement = Statement(
    "console_entry_user",
    """
    select user_name
    from identity_read.users
    where workspace_id = $1
    and id = $2
    """)

  private static let groupStatement = Statement(
    "console_entry_group",
    """
    select display_name
    from identity_read.groups
    where workspace_id = $1
    and id = $2
    """)
}

extension LogEntryID {
  /// When the request came: the first 48 bits are the milliseconds since 1970.
  var time: Date {
    Date(timeIntervalSince1970: Double(bytes.prefix(6).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }) / 1000)
  }
}

extension APIError {
  fileprivate static func noEntry(_ id: String) -> APIError {
    APIError(
      404, "The log has no entry '\(id.prefix(64))'. Entries are dropped when they are 30 days old, or as old as the operator has set.")
  }
}
