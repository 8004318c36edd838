import Foundation
import Models

/// The explanation of a failed request for the admin of the identity provider: what happened and how to fix it.
public struct Diagnosis: Sendable, Hashable {
  /// The kind of failure.
  public var cause: Cause
  /// What happened.
  public var explanation: String
  /// How to fix it.
  public var fix: String

  /// An explanation.
  public init(cause: Cause, explanation: String, fix: String) {
    self.cause = cause
    self.explanation = explanation
    self.fix = fix
  }

  /// The kinds of failures. The raw values are stored in the log.
  public enum Cause: String, Sendable, Hashable, CaseIterable {
    /// The user's id does not exist any more.
    case staleUser
    /// The group's id does not exist any more.
    case staleGroup
    /// The token was revoked.
    case tokenRevoked
    /// The token has expired.
    case tokenExpired
    /// The token was never issued here.
    case tokenUnknown
    /// The token does not have the required scope.
    case tokenScope
    /// The token belongs to another workspace than the host.
    case otherWorkspace
    /// The token was rejected for another reason.
    case loginRefused
    /// The plan does not include SCIM.
    case closedByPlan
    /// SAML SSO is not enabled.
    case closedBySSO
    /// SCIM is not enabled.
    case closedByOptIn
    /// SCIM was not available at the time of the request.
    case closed
    /// All seats of the workspace are taken.
    case seatsTaken
    /// The URL contained a secret.
    case secretInURL
    /// The request was not permitted for another reason.
    case forbidden
    /// Another user has the `userName`.
    case userNameTaken
    /// The relink policy does not permit to reuse a disabled user.
    case relinkRefused
    /// Another group has the `displayName`.
    case groupNameTaken
    /// The request conflicts with the stored state.
    case conflict
    /// The operation refers to a failed operation of the bulk request.
    case bulkReference
    /// The workspace does not have the role.
    case unknownRole
    /// Members of the group are not users of the workspace.
    case unknownMembers
    /// Another value is invalid.
    case invalidValue
    /// The schemas do not have the attribute.
    case invalidPath
    /// The value to change does not exist.
    case noTarget
    /// The filter is invalid.
    case invalidFilter
    /// The body is invalid.
    case invalidSyntax
    /// The URL has another protocol version.
    case invalidVersion
    /// The attribute cannot be changed.
    case mutability
    /// The cursor or the page size is invalid or expired.
    case invalidCursor
    /// The result is too large.
    case tooMany
    /// The request is invalid for another reason.
    case badRequest
    /// The base URL is wrong.
    case wrongURL
    /// The endpoint does not have the method.
    case wrongMethod
    /// The client does not accept JSON.
    case notAcceptable
    /// The resource was changed since the client read it.
    case changedMeanwhile
    /// The request is too large.
    case tooLarge
    /// The `Content-Type` is wrong.
    case mediaType
    /// The request exceeded a rate limit.
    case tooManyRequests
    /// The service was unavailable or timed out.
    case unavailable
    /// The request failed because of a bug or an outage.
    case defect
    /// Some operations of a bulk request failed.
    case failedOperations
    /// Another failure.
    case other
  }

  init(_ cause: Cause, _ explanation: String, fix: String) {
    self.cause = cause
    self.explanation = explanation
    self.fix = fix
  }
}

extension Diagnosis {
  /// Diagnoses an entry; nil if its request succeeded.
  public init?(of entry: LogEntry, _ context: DiagnosisContext) {
    guard entry.isFailure else { return nil }
    let provider = IdentityProvider(entry, context)
    switch entry.status {
    case ..<400: self = .operationsFailed(entry)
    case 400: self = .badRequest(entry, context, provider)
    case 401: self = .unauthenticated(entry, context, provider)
    case 403: self = .forbidden(entry, context, provider)
    case 404: self = .notFound(entry, context, provider)
    case 409: self = .conflict(entry, context, provider)
    default: self = .ofProtocol(entry, context, provider)
    }
  }

  private static func operationsFailed(_ entry: LogEntry) -> Diagnosis {
    let (failed, count) = (entry.operations?.failed ?? 0, entry.operations?.count ?? 0)
    return Diagnosis(
      .failedOperations, "\(failed) of the \(count) operations of this bulk request were refused; the others were carried out.",
      fix: "Each refused operation is an entry of its own, just after this one: mend what its diagnosis names, then send those again.")
  }

  // MARK: - Unknown resources

  private static func notFound(_ entry: LogEntry, _ context: DiagnosisContext, _ provider: IdentityProvider) -> Diagnosis {
    guard let type = entry.resourceType, entry.path.split(separator: "/").last.map({ $0 != "Users" && $0 != "Groups" }) ?? false else {
      return Diagnosis(
        .wrongURL, "There is nothing at \(entry.path): the base URL of the identity provider is not that of this service.",
        fix: "Enter the SCIM base URL as it ends in /api/v2/scim/. \(provider.enterURL)")
    }
    if context.resourceExists {
      return Diagnosis(
        type == .user ? .staleUser : .staleGroup,
        "The \(type.rawValue.lowercased()) was not there when the request came; it is there now.",
        fix: "Send the request again: scimctl log replay \(entry.id). \(provider.again).")
    }
    let name = context.nameOwner?.name ?? entry.name
    let shown = name.map { "'\($0)'" } ?? "the one that the identity provider shows for this failure"
    var words = "The identity provider asks for a \(type.rawValue.lowercased()) by an id that nobody has here"
    words += entry.resource.map { " (\($0))" } ?? ""
    if let deletedAt = context.deletedAt { words += ": it was deleted on \(day(deletedAt))" }
    words += ". It remembers the id from an earlier assignment and goes on using it, so every later update fails the same way."
    if let owner = context.nameOwner {
      words += " The name '\(owner.name)' belongs today to the \(type.rawValue.lowercased()) with id \(owner.id)"
      words += owner.state.map { ", who is \($0)" } ?? ""
      words += "; once the identity provider looks the name up again, it finds that one and goes on with it."
    } else if let name {
      words += " Nobody has the name '\(name)' now; once it is assigned again, it is made anew."
    }
    return type == .user
      ? Diagnosis(.staleUser, words, fix: provider.reassign(shown)) : Diagnosis(.staleGroup, words, fix: provider.repush(shown))
  }

  // MARK: - Conflicts

  private static func conflict(_ entry: LogEntry, _ context: DiagnosisContext, _ provider: IdentityProvider) -> Diagnosis {
    guard entry.scimType == "uniqueness" else {
      if entry.bulk != nil {
        return Diagnosis(
          .bulkReference, entry.detail ?? "The operation refers to another one of the bulk request that failed.",
          fix: "Mend that operation first, by its own entry in this log, then send both again.")
      }
      return Diagnosis(
        .conflict, entry.detail ?? "The request contradicts what is stored.", fix: "Change what the detail names. \(provider.again).")
    }
    if entry.resourceType == .user, let detail = entry.detail, detail.contains("relink policy") {
      return Diagnosis(
        .relinkRefused, detail,
        fix: """
          If both are one person, set active to true for the disabled user in the identity provider. \(provider.reassign("the person")) If \
          they are two people, delete the disabled user or change its userName. To have such users come back by themselves: scimctl workspace \
          update SLUG --relink same-person.
          """)
    }
    let attribute = entry.resourceType == .group ? "displayName" : "userName"
    let name = entry.name ?? context.nameOwner?.name ?? "that was sent"
    guard let owner = context.nameOwner else {
      return Diagnosis(
        entry.resourceType == .group ? .groupNameTaken : .userNameTaken,
        "Another \(attribute == "userName" ? "user" : "group") had the \(attribute) '\(name)' when the request came; nobody has it now.",
        fix: "Send it again: scimctl log replay \(entry.id). \(provider.again).")
    }
    if entry.resourceType == .group {
      return Diagnosis(
        .groupNameTaken,
        "There is a group '\(owner.name)' already, with id \(owner.id). Names of groups are compared without case.",
        fix: """
          Link the pushed group to the existing one rather than make another, or rename one of the two. \(provider.repush("'\(name)'")) To let \
          groups share a name: scimctl workspace update SLUG --duplicate-group-names allow.
          """
      )
    }
    let state = owner.state.map { ", who is \($0)" } ?? ""
    return Diagnosis(
      .userNameTaken,
      """
      The userName '\(owner.name)' belongs to the user with id \(owner.id)\(state)\
      \(owner.externalID.map { ", known to the identity provider as '\($0)'" } ?? ""). userName is compared without case.
      """,
      fix: """
        If both are the same person, have the identity provider find the existing one. \(provider.reassign("'\(name)'")) If they are two \
        people, give one of them another userName.
        """)
  }

  /// The day of a time, in UTC.
  static func day(_ date: Date) -> Substring { Timestamp.text(date).prefix(10) }
}
