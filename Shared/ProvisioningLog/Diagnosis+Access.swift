import Foundation
import Models

// Authentication and authorization failures: 401 and 403.
extension Diagnosis {
  private static let newToken = "Make a token: scimctl token issue --name NAME --scope scim, or Settings > API."

  static func unauthenticated(_ entry: LogEntry, _ context: DiagnosisContext, _ provider: IdentityProvider) -> Diagnosis {
    if let sender = entry.unverified {
      return Diagnosis(
        .tokenUnknown,
        """
        \(sender.requests == 1 ? "A request" : "\(sender.requests) requests") from \(entry.address ?? "several addresses") came with a token \
        that has the form of this workspace's tokens and was never issued. Anybody who knows the workspace's id can make one up, so the \
        sender is unknown. The requests were refused, and nothing of them was kept.
        """,
        fix: """
          If the address is your identity provider's, its token was mistyped or is of another deployment. \(newToken) \
          \(provider.enterToken) Otherwise there is nothing to do.
          """)
    }
    guard let token = context.token else {
      return Diagnosis(
        .tokenUnknown,
        """
        The token that was sent has the form of one of this workspace, but is not known here: it was mistyped, or made in another \
        deployment.
        """,
        fix: "\(newToken) \(provider.enterToken)")
    }
    if let revokedAt = token.revokedAt, revokedAt <= entry.at.addingTimeInterval(1) {
      return Diagnosis(
        .tokenRevoked, "The token '\(token.name)' was revoked on \(day(revokedAt)), and the identity provider still sends it.",
        fix: "\(newToken) \(provider.enterToken) \(provider.again).")
    }
    if let expiresAt = token.expiresAt, expiresAt <= entry.at.addingTimeInterval(1) {
      return Diagnosis(
        .tokenExpired, "The token '\(token.name)' expired on \(day(expiresAt)).",
        fix: "\(newToken) \(provider.enterToken) \(provider.again).")
    }
    if entry.detail?.contains("domain") == true || entry.detail?.contains("host") == true {
      return Diagnosis(
        .otherWorkspace, "The token '\(token.name)' is good, but not at the host that was called, which is another workspace's domain.",
        fix: "Enter this workspace's own URL, or a token of the workspace whose domain it is. \(provider.enterURL)")
    }
    return Diagnosis(
      .loginRefused, entry.detail ?? "The token '\(token.name)' was not accepted.", fix: "\(newToken) \(provider.enterToken)")
  }

  static func forbidden(_ entry: LogEntry, _ context: DiagnosisContext, _ provider: IdentityProvider) -> Diagnosis {
    if entry.scimType == "sensitive" {
      return Diagnosis(
        .secretInURL, "The request carries a secret in its URL, which every proxy on the way writes down; it was refused for that.",
        fix: "Take that secret for known to others: replace it. Then send tokens in the Authorization header alone. \(provider.enterURL)")
    }
    let wanted = entry.path.hasPrefix("/api/v2/sign-ins") ? TokenScope.signIns : .scim
    if let token = context.token, !token.scopes.contains(wanted.rawValue) {
      return Diagnosis(
        .tokenScope, "The token '\(token.name)' may be used for \(token.scopes.joined(separator: ", ")) and not for \(wanted.rawValue).",
        fix: "Make one that may: scimctl token issue --name NAME --scope \(wanted.rawValue). \(provider.enterToken)")
    }
    guard let settings = context.settings else {
      return Diagnosis(.forbidden, entry.detail ?? "The request was not permitted.", fix: "Change what the detail names.")
    }
    guard let obstacle = settings.scimObstacle else {
      if let detail = entry.detail, detail.contains("seats of this workspace are taken") {
        return Diagnosis(
          .seatsTaken, detail, fix: "Free a seat: unassign people who no longer need access. Or have the limit raised. \(provider.again).")
      }
      return Diagnosis(
        .closed,
        "SCIM was closed for this workspace when the request came, and is open now. The answer was: \(entry.detail ?? "403")",
        fix: "\(provider.again).")
    }
    switch obstacle {
    case .plan:
      return Diagnosis(
        .closedByPlan, "SCIM needs the enterprise plan, and the workspace is on the plan '\(settings.plan.rawValue)'.",
        fix: "Have the plan changed by your account manager. \(provider.again).")
    case .samlSSO:
      return Diagnosis(
        .closedBySSO, "SCIM needs SAML SSO, which is not enabled for the workspace.",
        fix: "Enable it under Settings > Security. \(provider.again).")
    case .optIn:
      return Diagnosis(
        .closedByOptIn, "SCIM is not switched on for the workspace.", fix: "Switch it on under Settings > SCIM. \(provider.again).")
    }
  }
}
