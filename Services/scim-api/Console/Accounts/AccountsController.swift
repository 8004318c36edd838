import EdgeHTTP
import EdgeReads
import Foundation
import Hummingbird
import Models

/// `/console/accounts`: the accounts that the product imported, those that the identity provider never pushed first, and the decisions about
/// people who may be their owners.
struct AccountsController: ConsoleController {
  private let accounts: AccountsQuery
  private let matches: AccountMatchesQuery
  private let members: MemberQuery
  private let cursors: CursorSeal
  private let commands: CommandClient
  private let template: ConsoleTemplate

  /// - Throws: an error if an embedded template cannot be parsed.
  init(database: Database, cursors: CursorSeal, commands: CommandClient) throws {
    accounts = AccountsQuery(database: database)
    matches = AccountMatchesQuery(database: database)
    members = MemberQuery(database: database)
    self.cursors = cursors
    self.commands = commands
    template = try ConsoleTemplate(PackageResources.account_decisions_mustache + PackageResources.accounts_mustache)
  }

  func addRoutes(to group: RouterGroup<ConsoleContext>) {
    group.page("accounts", use: list)
    group.form("accounts/link", use: link)
    group.form("accounts/decline", use: decline)
    group.form("accounts/unlink", use: unlink)
  }

  // MARK: Pages

  private func list(_ parameters: QueryParameters, _ context: ConsoleContext) async throws -> ConsolePage {
    let name = parameters["show"] ?? AccountsView.Filter.unlinked.rawValue
    guard let filter = AccountsView.Filter(rawValue: name) else {
      throw APIError(400, .invalidValue, "show is '\(name.prefix(50))'; use unlinked, linked or all.")
    }
    let waiting = try parameters["waiting"].map { text throws(APIError) in
      guard let id = HeldChangeID(text) else { throw APIError.unknownPageOfList() }
      return id
    }
    return try await page(filter, cursor: parameters["cursor"], waiting: waiting, context)
  }

  private func page(
    _ filter: AccountsView.Filter, cursor: String? = nil, waiting: HeldChangeID? = nil, _ context: ConsoleContext,
    input: AccountLinkInput? = nil, status: Int = 200
  ) async throws -> ConsolePage {
    let (now, workspace, listName) = (Date(), context.workspace, "console/accounts?\(filter)")
    let after = try cursor.map { text throws(APIError) in try cursors.cursor(text, for: listName, in: workspace, at: now).place.key ?? "" }
    async let waitingPeople = matches.matches(after: waiting, limit: AccountsView.decisionsSize + 1, in: workspace)
    var found = try await accounts.accounts(linked: filter.isLinked, after: after, limit: AccountsView.pageSize + 1, in: workspace)
    var next: String?
    if found.count > AccountsView.pageSize {
      found.removeLast()
      if let last = found.last {
        // The order is that of the ids alone.
        let place = CursorPosition(after: workspace.uuid, key: last.id)
        let text = cursors.text(of: Cursor(place: place, total: 0), for: listName, in: workspace, at: now)
        next = filter.path + (filter == .unlinked ? "?" : "&") + "cursor=\(text)"
      }
    }
    let view = AccountsView(
      filter, found, decisions: try await waitingPeople, input: input,
      pager: Pager(ifNeeded: after == nil ? nil : filter.path, next: next))
    return ConsolePage(
      title: "Accounts", section: .accounts, status: HTTPResponse.Status(code: status), template: template, values: view)
  }

  // MARK: Decisions

  /// Links a person to the account that was found, or to the one that was entered.
  private func link(_ form: Form, _ context: ConsoleContext) async throws -> FormResult {
    let member = try await member(form, context)
    let user = member.id
    guard let account = form["account"] else {
      if let path = Self.memberPath(form, member) {
        return .redirect(to: path, message: "Enter the product's id of the account.", isFailure: true)
      }
      let input = AccountLinkInput(user: user, account: "", problem: "Enter the product's id of the account.")
      return .page(try await page(.unlinked, context, input: input, status: 422))
    }
    if let refusal = try await refusal(of: .linkAccount(AccountLink(account: account)), about: user, context) {
      if let path = Self.memberPath(form, member, account: account) {
        return .redirect(to: path, message: refusal.error.detail, isFailure: true)
      }
      let input = AccountLinkInput(user: user, account: account, problem: refusal.error.detail)
      return .page(try await page(.unlinked, context, input: input, status: 422))
    }
    let waits = context.session.caller.settings.seats?.policy == .hold ? " Without a free seat, they wait under Held changes." : ""
    return .redirect(
      to: Self.memberPath(form, member) ?? ConsoleSection.accounts.path,
      message: "\(member.name.text) is linked to the account \(account).\(waits)")
  }

  /// Enables a person without an account: the account that was found is another person's.
  private func decline(_ form: Form, _ context: ConsoleContext) async throws -> FormResult {
    let member = try await member(form, context)
    if let refusal = try await refusal(of: .unlinkAccount(AccountUnlink()), about: member.id, context) {
      return .redirect(to: ConsoleSection.accounts.path, message: refusal.error.detail, isFailure: true)
    }
    return .redirect(to: ConsoleSection.accounts.path, message: "\(member.name.text) is enabled without an account.")
  }

  /// Removes the link of a person.
  private func unlink(_ form: Form, _ context: ConsoleContext) async throws -> FormResult {
    let member = try await member(form, context)
    let path = Self.memberPath(form, member) ?? AccountsView.Filter.linked.path
    if let refusal = try await refusal(of: .unlinkAccount(AccountUnlink()), about: member.id, context) {
      return .redirect(to: path, message: refusal.error.detail, isFailure: true)
    }
    return .redirect(to: path, message: "The link of \(member.name.text) is removed.")
  }

  /// The page of the person if the form is on it, with the account that was entered; otherwise nil.
  private static func memberPath(_ form: Form, _ member: StoredMember, account: String? = nil) -> String? {
    guard form["back"] == "member" else { return nil }
    return MembersController.path(of: member.id) + ConsoleText.query([("account", account)]) + "#account"
  }

  /// Sends a command about a user. Returns the error if it is rejected.
  ///
  /// - Throws: the error of identity-store if the status is at least 500.
  private func refusal(of operation: Command.Operation, about user: UserID, _ context: ConsoleContext) async throws -> APIError? {
    let outcome = try await commands.execute(operation, on: user.resource, for: context.session.caller, info: context.info)
    guard case .refused(let status, let error) = outcome else { return nil }
    let refusal = APIError(status: status, stored: error)
    guard status < 500 else { throw refusal }
    return refusal
  }

  /// The person in the form.
  private func member(_ form: Form, _ context: ConsoleContext) async throws -> StoredMember {
    guard let id = form["user"].flatMap({ UserID($0) }), let member = try await members.member(id, in: context.workspace) else {
      throw APIError(404, "The workspace no longer has this person. Nothing was changed.")
    }
    return member
  }
}
