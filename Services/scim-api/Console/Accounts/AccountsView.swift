import EdgeHTTP
import EdgeReads
import Models

/// The view model of the list of accounts that the product imported.
///
/// The templates look up a missing property in the enclosing values, so that the names of nested values differ from those around them.
struct AccountsView: Sendable {
  var tabs: [Tab]
  /// Why a link was not made, if the person is not on the page.
  var pageProblem: String?
  var decisions: [AccountDecisionView]
  var hasDecisions: Bool
  /// The path with further decisions.
  var moreDecisions: String?
  var accounts: [Account]
  var isEmpty: Bool
  /// Why the list is empty.
  var emptyHeading: String
  var emptyText: String
  var caption: String
  var pager: Pager?
  var showsPeople: Bool

  /// A filter of the list.
  enum Filter: String, Sendable, CaseIterable {
    case unlinked, linked, all

    /// The value for the query.
    var isLinked: Bool? {
      switch self {
      case .unlinked: false
      case .linked: true
      case .all: nil
      }
    }

    /// The title of the tab.
    var title: String {
      switch self {
      case .unlinked: "Never pushed"
      case .linked: "Linked"
      case .all: "All"
      }
    }

    /// The path of the list's first page.
    var path: String { ConsoleSection.accounts.path + ConsoleText.query([("show", self == .unlinked ? nil : rawValue)]) }
  }

  /// A tab that filters the list.
  struct Tab: Sendable, Equatable {
    var tabName: String
    var tabPath: String
    var isCurrent: Bool
  }

  /// An account of the list.
  struct Account: Sendable, Equatable {
    var accountID: String
    var email: String
    var externalID: String?
    var isDisabled: Bool
    var importedAt: String
    var linkedPerson: Person?
  }

  /// The person to whom an account is linked.
  struct Person: Sendable, Equatable {
    var personID: String
    var personPath: String
    var unlinkQuestion: String
  }

  /// The number of accounts on a page.
  static let pageSize = 50
  /// The number of decisions on a page.
  static let decisionsSize = 20

  /// - Parameters:
  ///   - found: up to ``pageSize`` accounts.
  ///   - matches: up to one more than ``decisionsSize`` people who wait.
  init(
    _ filter: Filter, _ found: [AccountsQuery.Account], decisions matches: [AccountMatchesQuery.Match], input: AccountLinkInput?,
    pager: Pager?
  ) {
    tabs = Filter.allCases.map { Tab(tabName: $0.title, tabPath: $0.path, isCurrent: $0 == filter) }
    let shown = matches.prefix(Self.decisionsSize)
    decisions = shown.map { AccountDecisionView($0, input: input?.user == $0.user ? input : nil) }
    hasDecisions = !decisions.isEmpty
    if matches.count > Self.decisionsSize, let last = shown.last {
      moreDecisions = ConsoleSection.accounts.path + ConsoleText.query([("waiting", "\(last.change)")])
    }
    if let input, !shown.contains(where: { $0.user == input.user }) { pageProblem = input.problem }
    accounts = found.map(Account.init)
    isEmpty = accounts.isEmpty
    showsPeople = filter != .unlinked
    self.pager = pager
    switch filter {
    case .unlinked:
      caption = "Accounts that the identity provider never pushed"
      emptyHeading = "No accounts without a person"
      emptyText = "Your identity provider has pushed the owners of all imported accounts, or the product has imported none."
    case .linked:
      caption = "Accounts that are linked to people"
      emptyHeading = "No linked accounts"
      emptyText = "Accounts are linked when your identity provider pushes their owners. Settings › Access says how."
    case .all:
      caption = "All imported accounts"
      emptyHeading = "No imported accounts"
      emptyText = "The product imports the accounts that existed before your identity provider was connected."
    }
  }
}

extension AccountsView.Account {
  init(_ account: AccountsQuery.Account) {
    accountID = account.id
    email = account.email
    externalID = account.externalID
    isDisabled = account.state == "disabled"
    importedAt = Timestamp.text(account.importedAt)
    linkedPerson = account.user.map { user in
      AccountsView.Person(
        personID: "\(user)", personPath: MembersController.path(of: user),
        unlinkQuestion:
          "Remove the link of the account \(account.id)? The person stays as they are, and events no longer have the id of the account."
      )
    }
  }
}

/// A form about a link that was rejected: its input and the error.
struct AccountLinkInput: Sendable, Equatable {
  var user: UserID
  /// The account that was entered.
  var account: String
  var problem: String
}

/// A person who waits for a decision about an account.
struct AccountDecisionView: Sendable, Equatable {
  var decisionID: String
  var userID: String
  var name: String
  var memberPath: String
  var userName: String
  /// The address, if it is not the `userName`.
  var address: String?
  var userExternalID: String?
  var since: String
  /// The account that may be the person's.
  var match: Match?
  var rejectPath: String
  var declineQuestion: String
  var rejectQuestion: String
  /// The account that was entered, and why it was not linked.
  var enteredAccount: String
  var entryProblem: String?

  /// The account that may be the person's.
  struct Match: Sendable, Equatable {
    var matchID: String
    var matchEmail: String
    var matchExternalID: String?
    var matchIsDisabled: Bool
    /// What the person and the account have in common.
    var reason: String
    var linkQuestion: String
  }

  init(_ match: AccountMatchesQuery.Match, input: AccountLinkInput?) {
    let shownName = match.displayName ?? match.userName
    decisionID = "\(match.change)"
    userID = "\(match.user)"
    name = shownName
    memberPath = MembersController.path(of: match.user)
    userName = match.userName
    address = match.email == match.userName ? nil : match.email
    userExternalID = match.externalID
    since = Timestamp.text(match.heldAt)
    rejectPath = "\(ProvisioningTab.Page.held.path)/\(match.change)/reject"
    declineQuestion = "Enable \(shownName) without an account? The person is invited, unless they have signed in before."
    rejectQuestion = "Keep \(shownName) disabled, even if the identity provider requests the change again?"
    enteredAccount = input?.account ?? ""
    entryProblem = input?.problem
    if let account = match.account {
      self.match = Match(
        matchID: account.id, matchEmail: account.email, matchExternalID: account.externalID, matchIsDisabled: account.state == "disabled",
        reason: Self.text(of: match.reason),
        linkQuestion: "Link \(shownName) to the account \(account.id) (\(account.email))? The person is active at once and gets no mail.")
    }
  }

  private static func text(of reason: AccountMatchesQuery.Reason?) -> String {
    switch reason {
    case .externalID: "The externalId is that of the account"
    case .accountID: "The externalId is the id of the account"
    case .address, nil: "Both have the same address"
    }
  }
}
