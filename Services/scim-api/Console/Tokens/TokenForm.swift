import EdgeHTTP
import EdgeReads
import Foundation
import Models

/// The form for a new token or OAuth client.
struct TokenForm: Sendable, Equatable {
  /// A field with an invalid value.
  enum InvalidField: Sendable, Equatable {
    case name, scopes
  }

  var kind: TokenKind
  /// The id of the new token. It is created with the page, so that submitting the form twice creates one token.
  var id: TokenID
  var name = ""
  var scopes: Set<TokenScope> = [.scim]
  /// The value of the chosen expiry.
  var expiry = "365"
  /// Whether the form has been submitted, so that invalid fields are shown.
  var isSubmitted = false

  /// An empty form.
  init(kind: TokenKind, id: TokenID) {
    self.kind = kind
    self.id = id
  }

  /// A submitted form.
  init(_ form: Form, at now: Date) {
    kind = form["kind"] == TokenKind.client.rawValue ? .client : .token
    id = form["token"].flatMap { TokenID($0) } ?? .made(at: now)
    name = form["name"] ?? ""
    scopes = Set(form.all("scope").compactMap { TokenScope(rawValue: $0) })
    // The console does not accept the access tokens that a client gets.
    if kind == .client { scopes.remove(.admin) }
    expiry = form["expiry"] ?? expiry
    isSubmitted = true
  }

  /// The lifetime in days; nil if the token does not expire.
  var days: Int? { PeriodChoice.expiries.first { $0.value == expiry }.map(\.days) ?? 365 }

  /// The first invalid field; nil if the form is valid.
  var invalidField: InvalidField? {
    if name.isEmpty || name.count > 200 { return .name }
    return scopes.isEmpty ? .scopes : nil
  }
}

/// The view model of the form for a new token or OAuth client.
struct TokenFormView: Sendable {
  var tokenID: String
  var kind: String
  var isClient: Bool
  var name: String
  var scopes: [ScopeChoice]
  var expiries: [FormOption]
  var nameError: String?
  var scopesError: String?

  init(_ form: TokenForm) {
    tokenID = form.id.description
    kind = form.kind.rawValue
    isClient = form.kind == .client
    name = form.name
    scopes = ScopeChoice.all(for: form.kind, checked: form.scopes)
    expiries = PeriodChoice.options(PeriodChoice.expiries, selected: form.expiry)
    let invalidField = form.isSubmitted ? form.invalidField : nil
    nameError = invalidField == .name ? "Enter a name of at most 200 characters that tells what the token is for." : nil
    scopesError = invalidField == .scopes ? "Select at least one scope." : nil
  }
}

/// A scope in the form for a new token.
struct ScopeChoice: Sendable {
  var scope: String
  var purpose: String
  var isChecked: Bool

  /// The scopes that a token or client can have.
  static func all(for kind: TokenKind, checked: Set<TokenScope>) -> [ScopeChoice] {
    TokenScope.allCases.filter { kind == .token || $0 != .admin }.map {
      ScopeChoice(scope: $0.rawValue, purpose: purpose(of: $0), isChecked: checked.contains($0))
    }
  }

  private static func purpose(of scope: TokenScope) -> String {
    switch scope {
    case .scim: "For an identity provider that pushes people and groups. Allows all SCIM requests, and nothing else."
    case .signIns: "For the product’s sign-in service, which reports sign-ins."
    case .admin: "For a person who signs in to this console, and for the management API. Never enter such a token in an identity provider."
    case .directory: "For the product, which reads groups and their visible members."
    case .events: "For the product, which reads the events of this workspace."
    }
  }
}

/// A period in a form, such as the lifetime of a token.
struct PeriodChoice: Sendable, Equatable {
  /// The period in days; nil if it is unlimited.
  var days: Int?
  var name: String

  /// The value in the form.
  var value: String { days.map(String.init) ?? "none" }

  /// The options of a menu.
  ///
  /// - Parameter selected: the value of the selected option.
  static func options(_ choices: [PeriodChoice], selected: String) -> [FormOption] {
    choices.map { FormOption(value: $0.value, name: $0.name, isChosen: $0.value == selected) }
  }

  /// The lifetimes of a token.
  static let expiries = [
    PeriodChoice(days: 30, name: "30 days"), PeriodChoice(days: 90, name: "90 days"), PeriodChoice(days: 365, name: "1 year"),
    PeriodChoice(days: nil, name: "No expiry"),
  ]
  /// The grace periods of a token that is rotated.
  static let tokenGracePeriods = [
    PeriodChoice(days: nil, name: "Until I revoke it"), PeriodChoice(days: 1, name: "For another day"),
    PeriodChoice(days: 7, name: "For another 7 days"), PeriodChoice(days: 30, name: "For another 30 days"),
  ]
  /// The grace periods of a client secret that is rotated.
  static let secretGracePeriods = [
    PeriodChoice(days: 1, name: "For another day"), PeriodChoice(days: 7, name: "For another 7 days"),
    PeriodChoice(days: 0, name: "Not at all: it is rejected from now on"),
  ]
}
