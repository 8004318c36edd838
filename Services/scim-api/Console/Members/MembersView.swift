import EdgeHTTP
import EdgeReads
import Foundation
import MailTemplates
import Models

/// What the template of the members page shows.
///
/// A template looks further out for what a row does not have, so that nothing of a row is called as something of the page is.
struct MembersView: Sendable {
  var tabs: [Tab]
  /// What was searched for.
  var searched: String?
  /// Whether a search found more than is shown.
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
  var emptyWords: String
  var pager: Pager?

  struct Tab: Sendable, Equatable {
    var tabName: String
    var tabPath: String
    var tabCount: String?
    var isCurrent: Bool
  }

  struct Pager: Sendable, Equatable {
    var first: String?
    var next: String?
  }

  struct Row: Sendable, Equatable {
    var memberPath: String
    var memberName: String
    /// The address, or the userName of somebody without one.
    var address: String?
    var stateTone: String
    var stateName: String
    var role: String
    /// Names of some groups.
    var groupNames: String?
    /// `+3`
    var furtherGroups: String?
    var invitedAt: String?
    var lastSignedInAt: String?
    /// Of somebody invited.
    var mail: InvitationWords?
    /// What can be done for somebody invited.
    var actions: Actions?
  }

  struct Actions: Sendable, Equatable {
    var resendPath: String
    var revokePath: String
    var revokeQuestion: String
    /// Whether there is still mail to be stopped.
    var canRevoke: Bool
  }

  /// - Parameter cursor: of what comes behind a person.
  init(
    _ request: MembersRequest, _ found: [ListedMember], totals: MembersQuery.Totals, workspace: WorkspaceSettings,
    actors: ActorNames = ActorNames(), at now: Date, cursor: (ListedMember) -> String
  ) {
    let shown = found.prefix(MembersPage.size)
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
    switch request.what {
    case .list(let state, let order):
      tabs = UserState.tabs.map { tab in
        Tab(
          tabName: tab.title, tabPath: MembersRequest(.list(tab, by: .name)).path, tabCount: Self.count(totals[tab]),
          isCurrent: tab == state)
      }
      hasOrders = hasRows
      if hasRows {
        orders = MembersQuery.Order.allCases.map { choice in
          Tab(tabName: choice.title, tabPath: MembersRequest(.list(state, by: choice)).path, tabCount: nil, isCurrent: choice == order)
        }
      }
      caption = "\(state.title) members, \(order == .name ? "by name" : "the newest first")"
      (emptyTitle, emptyWords) = Self.empty(state, totals: totals)
      if hasMore || request.cursor != nil {
        pager = Pager(
          first: request.cursor == nil ? nil : MembersRequest(request.what).path,
          next: hasMore ? shown.last.map { MembersRequest(request.what, cursor: cursor($0)).path } : nil)
      }
    case .search(let text, let state):
      searched = text
      isCut = hasMore
      let everybody = Tab(
        tabName: "Everybody", tabPath: MembersRequest(.search(text, in: nil)).path, tabCount: nil, isCurrent: state == nil)
      tabs =
        [everybody]
        + UserState.tabs.map { tab in
          Tab(tabName: tab.title, tabPath: MembersRequest(.search(text, in: tab)).path, tabCount: nil, isCurrent: tab == state)
        }
      caption = "Members whose name or address begins with “\(text)”"
      emptyTitle = "Nobody found"
      emptyWords = """
        No \(state.map { "\($0.rawValue) " } ?? "")member's name, family name, address or userName begins with “\(text)”. Try the \
        beginning of another one of them\(state == nil ? "" : ", or look among everybody").
        """
    }
  }

  private static func empty(_ state: UserState, totals: MembersQuery.Totals) -> (String, String) {
    guard totals.all > 0 else {
      return (
        "Nobody yet",
        "Once your identity provider is connected, whoever is assigned there appears under Invited. Settings › SCIM shows how."
      )
    }
    switch state {
    case .active: return ("Nobody is active yet", "People become active when they first sign in. Until then they are under Invited.")
    case .invited: return ("Nobody waits for their first sign-in", "Assign somebody in your identity provider, and they are invited.")
    case .disabled: return ("Nobody is disabled", "Whoever is deactivated in your identity provider appears here, and keeps their groups.")
    }
  }

  /// `1,234`
  static func count(_ number: Int) -> String {
    let digits = Array(String(abs(number)))
    var text = ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index).isMultiple(of: 3) { text.append(",") }
      text.append(digit)
    }
    return number < 0 ? "-\(text)" : text
  }
}

extension MembersView.Row {
  init(_ member: ListedMember, actors: ActorNames, at now: Date) {
    memberPath = MemberPage.path(of: member.id)
    memberName = member.name.shown
    address = member.email.flatMap { $0.isEmpty ? nil : $0 } ?? (member.name.shown == member.name.userName ? nil : member.name.userName)
    (stateTone, stateName) = (member.state.tone, member.state.title)
    role = member.role
    groupNames = member.groups.isEmpty ? nil : member.groups.joined(separator: ", ")
    furtherGroups = Self.further(member.groupCount - member.groups.count, isCut: member.groupCount >= ListedMember.maximumGroups)
    invitedAt = member.invitation.map { Timestamp.text($0.createdAt) }
    lastSignedInAt = member.lastSignedInAt.map(Timestamp.text)
    guard member.state == .invited else { return }
    mail = member.invitation.map { InvitationWords($0, at: now, actors: actors) }
    actions = MembersView.Actions(member.id, name: member.name.shown, invitation: member.invitation)
  }

  private static func further(_ count: Int, isCut: Bool) -> String? {
    count > 0 ? "+\(count)\(isCut ? " or more" : "")" : nil
  }
}

extension MembersView.Actions {
  init(_ member: UserID, name: String, invitation: StoredInvitation?) {
    resendPath = "\(MemberPage.path(of: member))/resend"
    revokePath = "\(MemberPage.path(of: member))/revoke"
    revokeQuestion = """
      Stop mailing \(name)? They get no further invitation or reminder. They can still sign in: to take their access away, unassign them in \
      your identity provider.
      """
    canRevoke = invitation.map { [.scheduled, .sending, .sent, .delivered, .bounced].contains($0.state) } ?? false
  }
}

extension UserState {
  /// In the order of the tabs.
  static let tabs: [UserState] = [.active, .invited, .disabled]

  /// What pages call it.
  var title: String { rawValue.beginningUpperCase }

  /// Of its badge.
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
