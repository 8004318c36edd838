import EdgeHTTP
import EdgeReads
import Foundation
import MailTemplates
import Models

/// The view model of the members page.
///
/// The templates look up a missing property in the enclosing values, so that the names of a row differ from those of the page.
struct MembersView: Sendable {
  var tabs: [Tab]
  /// The search text.
  var searched: String?
  /// Whether a search found more members than are shown.
  var isCut: Bool
  var caption: String
  var rows: [Row]
  var hasRows: Bool
  var showsSignIns: Bool
  var showsActions: Bool
  var signInLink: String?
  var orders: [Tab]
  var hasOrders: Bool
  var emptyTitle: String
  var emptyText: String
  var pager: Pager?

  /// A link to a state or an order.
  struct Tab: Sendable, Equatable {
    var tabName: String
    var tabPath: String
    var tabCount: String?
    var isCurrent: Bool
  }

  /// A member in the list.
  struct Row: Sendable, Equatable {
    var memberPath: String
    var memberName: String
    /// The address, or the userName if there is none.
    var address: String?
    var stateTone: String
    var stateName: String
    var role: String
    /// The names of some groups.
    var groupNames: String?
    /// The number of further groups: `+3`.
    var furtherGroups: String?
    var invitedAt: String?
    var lastSignedInAt: String?
    /// The status of the invitation of an invited member.
    var mail: InvitationStatusView?
    /// The actions on the invitation of an invited member.
    var actions: Actions?
  }

  /// The actions on an invitation.
  struct Actions: Sendable, Equatable {
    var resendPath: String
    var revokePath: String
    var revokeQuestion: String
    /// Whether the invitation can still be revoked.
    var canRevoke: Bool
  }

  /// - Parameter cursor: returns the cursor of the page after a member.
  init(
    _ request: MembersRequest, _ found: [MemberSummary], totals: MembersQuery.Totals, workspace: WorkspaceSettings,
    actors: ActorNames = ActorNames(), at now: Date, cursor: (MemberSummary) -> String
  ) {
    let shown = found.prefix(MembersController.pageSize)
    let hasMore = found.count > shown.count
    rows = shown.map { Row($0, actors: actors, at: now) }
    hasRows = !rows.isEmpty
    showsActions = rows.contains { $0.actions != nil }
    showsSignIns = shown.contains { $0.state != .invited }
    signInLink = showsActions ? WorkspaceNotice(workspace).link : nil
    pager = nil
    isCut = false
    orders = []
    hasOrders = false
    searched = nil
    switch request.query {
    case .list(let state, let order):
      tabs = UserState.tabs.map { tab in
        Tab(
          tabName: tab.title, tabPath: MembersRequest(.list(tab, by: .name)).path, tabCount: ConsoleText.number(totals[tab]),
          isCurrent: tab == state)
      }
      hasOrders = hasRows
      if hasRows {
        orders = MembersQuery.Order.allCases.map { choice in
          Tab(tabName: choice.title, tabPath: MembersRequest(.list(state, by: choice)).path, tabCount: nil, isCurrent: choice == order)
        }
      }
      caption = "\(state.title) members, \(order == .name ? "by name" : "newest first")"
      (emptyTitle, emptyText) = Self.empty(state, totals: totals)
      pager = Pager(
        ifNeeded: request.cursor == nil ? nil : MembersRequest(request.query).path,
        next: hasMore ? shown.last.map { MembersRequest(request.query, cursor: cursor($0)).path } : nil)
    case .search(let text, let state):
      searched = text
      isCut = hasMore
      let all = Tab(
        tabName: "All", tabPath: MembersRequest(.search(text, in: nil)).path, tabCount: nil, isCurrent: state == nil)
      tabs =
        [all]
        + UserState.tabs.map { tab in
          Tab(tabName: tab.title, tabPath: MembersRequest(.search(text, in: tab)).path, tabCount: nil, isCurrent: tab == state)
        }
      caption = "Members whose name or address starts with “\(text)”"
      emptyTitle = "No members found"
      emptyText = """
        No \(state.map { "\($0.rawValue) " } ?? "")member's name, family name, address or userName starts with “\(text)”. Try the \
        start of another one\(state == nil ? "" : ", or search in all states").
        """
    }
  }

  private static func empty(_ state: UserState, totals: MembersQuery.Totals) -> (String, String) {
    guard totals.all > 0 else {
      return (
        "No members yet",
        "Once your identity provider is connected, people who are assigned there appear under Invited. Settings › SCIM shows how."
      )
    }
    switch state {
    case .active: return ("No active members yet", "People become active when they first sign in. Until then they are under Invited.")
    case .invited: return ("No invited members", "Assign people in your identity provider to invite them.")
    case .disabled:
      return ("No disabled members", "People who are deactivated in your identity provider appear here. They keep their groups.")
    }
  }
}

extension MembersView.Row {
  init(_ member: MemberSummary, actors: ActorNames, at now: Date) {
    memberPath = MembersController.path(of: member.id)
    memberName = member.name.text
    address = member.email.flatMap { $0.isEmpty ? nil : $0 } ?? (member.name.text == member.name.userName ? nil : member.name.userName)
    (stateTone, stateName) = (member.state.tone, member.state.title)
    role = member.role
    groupNames = member.groups.isEmpty ? nil : member.groups.joined(separator: ", ")
    furtherGroups = Self.furtherGroups(member.groupCount - member.groups.count, isCut: member.groupCount >= MemberSummary.maximumGroups)
    invitedAt = member.invitation.map { Timestamp.text($0.createdAt) }
    lastSignedInAt = member.lastSignedInAt.map(Timestamp.text)
    guard member.state == .invited else { return }
    mail = member.invitation.map { InvitationStatusView($0, at: now, actors: actors) }
    actions = MembersView.Actions(member.id, name: member.name.text, invitation: member.invitation)
  }

  private static func furtherGroups(_ count: Int, isCut: Bool) -> String? {
    count > 0 ? "+\(count)\(isCut ? " or more" : "")" : nil
  }
}

extension MembersView.Actions {
  init(_ member: UserID, name: String, invitation: StoredInvitation?) {
    resendPath = "\(MembersController.path(of: member))/resend"
    revokePath = "\(MembersController.path(of: member))/revoke"
    revokeQuestion = """
      Revoke the invitation of \(name)? They get no further invitation or reminder. They can still sign in: to take their access away, unassign them in \
      your identity provider.
      """
    canRevoke = invitation.map { [.scheduled, .sending, .sent, .delivered, .bounced].contains($0.state) } ?? false
  }
}

extension UserState {
  /// The states in the order of the tabs.
  static let tabs: [UserState] = [.active, .invited, .disabled]

  /// The name on the pages.
  var title: String { rawValue.capitalisedFirst }

  /// The colour of the badge.
  var tone: String {
    switch self {
    case .active: "good"
    case .invited: "info"
    case .disabled: "warn"
    }
  }
}

extension MembersQuery.Order {
  fileprivate var title: String {
    switch self {
    case .name: "By name"
    case .newest: "Newest first"
    }
  }
}
