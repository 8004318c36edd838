import EdgeHTTP
import EdgeReads
import Models

/// What a submitted form of the page *Access* shows again: its input and the errors.
struct AccessInput: Sendable, Equatable {
  var otherDomains: OtherDomainsSection?
  var accountLinking: AccountLinkingSection?
  var lastAdmin: LastAdminSection?
  /// The domain to add.
  var addition = DomainAddition()
  /// Why a domain was not verified or removed, by domain.
  var domainProblems: [String: String] = [:]

  /// The form that adds a mail domain.
  struct DomainAddition: Sendable, Equatable {
    var newDomain = ""
    var newDomainError: String?
  }
}

/// The view model of the page *Access*: who can join the workspace.
///
/// The templates look up a missing property in the enclosing values, so that the names of nested values differ from those around them.
struct AccessView: Sendable, Equatable {
  /// The version of the shown settings.
  var version: String
  var domains: [Domain]
  var hasDomains: Bool
  var addition: AccessInput.DomainAddition
  var otherDomainsForm: OtherDomainsForm
  var linkingForm: LinkingForm
  var seats: Seats
  var lastAdminForm: LastAdminSection

  /// A mail domain.
  struct Domain: Sendable, Equatable {
    var domain: String
    var isVerified: Bool
    /// How the domain was verified.
    var verification: String?
    var verifiedAt: String?
    /// The TXT record to publish; nil once the domain is verified.
    var record: Record?
    var removeQuestion: String
    /// Why the domain was not verified or removed.
    var domainProblem: String?
  }

  /// A TXT record, with the ids of the elements that are copied.
  struct Record: Sendable, Equatable {
    var nameID: String
    var recordName: String
    var textID: String
    var recordText: String
  }

  /// The form for people with addresses in other domains.
  struct OtherDomainsForm: Sendable, Equatable {
    var entered: OtherDomainsSection
    var options: [ExplainedOption]
  }

  /// The form for how people are linked to existing accounts.
  struct LinkingForm: Sendable, Equatable {
    var entered: AccountLinkingSection
    var options: [ExplainedOption]
  }

  /// The seats, which the operator sets.
  struct Seats: Sendable, Equatable {
    var taken: String
    /// What happens to people beyond the limit; nil without a limit.
    var beyond: String?
    var command: String
    /// A warning if 90 % of the seats or more are taken.
    var seatsWarning: String?
  }

  /// - Parameter seatsTaken: the number of users who are invited or active.
  init(_ stored: StoredSettings, _ input: AccessInput, seatsTaken: Int) {
    let settings = stored.settings
    version = String(stored.version)
    domains = settings.mailDomains.enumerated().map { index, domain in
      Domain(domain, at: index, in: settings, problem: input.domainProblems[domain.domain])
    }
    hasDomains = !domains.isEmpty
    addition = input.addition
    let other = input.otherDomains ?? OtherDomainsSection(of: settings)
    otherDomainsForm = OtherDomainsForm(entered: other, options: other.options)
    let linking = input.accountLinking ?? AccountLinkingSection(of: settings)
    linkingForm = LinkingForm(entered: linking, options: linking.options)
    seats = Seats(settings, taken: seatsTaken)
    lastAdminForm = input.lastAdmin ?? LastAdminSection(of: settings)
  }
}

extension AccessView.Domain {
  init(_ domain: MailDomain, at index: Int, in settings: WorkspaceSettings, problem: String?) {
    self.domain = domain.domain
    isVerified = domain.verifiedAt != nil
    if isVerified {
      switch domain.verification {
      case .dns: verification = "By its DNS record, which is no longer needed"
      case .operator: verification = "By the operator"
      }
    }
    verifiedAt = domain.verifiedAt.map(Timestamp.text)
    if !isVerified, let text = domain.recordText {
      record = AccessView.Record(
        nameID: "record-name-\(index)", recordName: domain.recordName, textID: "record-text-\(index)", recordText: text)
    }
    let effect =
      isVerified
      ? "Nobody is disabled, but people with addresses in it count as people of another domain from now on"
      : "Its DNS record is no longer valid then"
    removeQuestion = "Remove the domain \(domain.domain)? \(effect)."
    domainProblem = problem
  }
}

extension AccessView.Seats {
  init(_ settings: WorkspaceSettings, taken count: Int) {
    command = "scimctl workspace update \(settings.slug) --seats 100 --seats-policy hold"
    guard let limit = settings.seats else {
      taken = "\(ConsoleText.number(count)) taken; the workspace has no limit"
      return
    }
    taken = "\(ConsoleText.number(count)) of \(ConsoleText.number(limit.limit)) taken by people who are invited or active"
    beyond =
      switch limit.policy {
      case .reject: "Rejected: the identity provider gets an error that names the limit"
      case .hold: "Stored as disabled until an admin approves them under Held changes"
      }
    switch limit.alert(for: count, after: 0, of: nil) {
    case .seatsExhausted: seatsWarning = "All seats are taken. Disable people who no longer need access, or ask for more seats."
    case .seatsWarning: seatsWarning = "Most seats are taken."
    default: break
    }
  }
}
