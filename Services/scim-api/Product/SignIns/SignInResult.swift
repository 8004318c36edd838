import EdgeReads
import Foundation
import Models

/// The outcome of a sign-in, as the product gets it.
struct SignInResult: Sendable, Equatable, Encodable {
  /// The outcome.
  var outcome: Outcome
  /// The user who signed in; nil if there is none.
  var user: SignedInUser?
  /// What the outcome means for the person's session.
  var advice: String { outcome.advice }

  /// The outcomes.
  enum Outcome: String, Sendable, Encodable {
    case promoted
    case alreadyActive = "already-active"
    case remembered
    case disabled
    case unknown
    /// identity-store gave no outcome within the time that the client waits. The sign-in is stored and processed later.
    case pending

    init(_ outcome: SignInOutcome) {
      self =
        switch outcome {
        case .promoted: .promoted
        case .alreadyActive: .alreadyActive
        case .remembered: .remembered
        case .disabled: .disabled
        case .unknownUser: .unknown
        }
    }

    /// What the outcome means for the person's session.
    var advice: String {
      switch self {
      case .promoted: "The person was invited and is active now. Continue."
      case .alreadyActive: "The person is active. Continue."
      case .remembered:
        """
        Nobody with this address is provisioned. The sign-in is remembered for 30 days: a user who is provisioned with the address by then \
        starts active. Admit the person only if the product admits people who are not provisioned.
        """
      case .disabled: "The identity provider has disabled the person. Reject the session."
      case .unknown: "No user has this id. Send the address as well, or check the id."
      case .pending: "The sign-in is stored and is processed as soon as possible. Decide as without an outcome, or send it again."
      }
    }

    /// The state of a user with this outcome; nil if there is no user.
    fileprivate var userState: UserState? {
      switch self {
      case .promoted, .alreadyActive: .active
      case .disabled: .disabled
      case .remembered, .unknown, .pending: nil
      }
    }
  }

  static let pending = SignInResult(outcome: .pending)

  private init(outcome: Outcome, user: SignedInUser? = nil) {
    self.outcome = outcome
    self.user = user
  }

  /// - Parameters:
  ///   - id: the user's id; nil if there is no user, or if identity-store is older and does not say.
  ///   - user: the user's profile; nil if it could not be read.
  init(_ outcome: SignInOutcome, id: UserID?, user: SignedInUser?) {
    let outcome = Outcome(outcome)
    self.init(outcome: outcome)
    if let id, let state = outcome.userState { self.user = user ?? SignedInUser(id: id, state: state) }
  }

  private enum Key: String, CodingKey { case outcome, user, advice }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(outcome, forKey: .outcome)
    try container.encodeIfPresent(user, forKey: .user)
    try container.encode(advice, forKey: .advice)
  }
}

/// The response to a batch: one result for each sign-in, in their order.
struct SignInResults: Encodable {
  var results: [SignInResult]
}
