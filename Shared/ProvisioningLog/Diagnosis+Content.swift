import Foundation
import Models

// Invalid requests (400), and the failures of HTTP, limits and outages.
extension Diagnosis {
  static func badRequest(_ entry: LogEntry, _ context: DiagnosisContext, _ provider: IdentityProvider) -> Diagnosis {
    let detail = entry.detail ?? "The request was not understood."
    switch entry.scimType {
    case "invalidValue": return invalidValue(entry, context, provider, detail)
    case "invalidPath":
      return Diagnosis(
        .invalidPath, detail,
        fix: """
          The request names an attribute that the workspace's schemas do not have. \(provider.mappings): correct or remove the mapping. An \
          attribute of your own is added with 'scimctl workspace extension set'. \(provider.again).
          """)
    case "noTarget":
      return Diagnosis(
        .noTarget, detail,
        fix:
          """
          The value to be changed is not there: set the whole attribute instead. \(provider.mappings): check the mapping. \
          \(provider.again).
          """
      )
    case "invalidFilter":
      return Diagnosis(
        .invalidFilter, detail,
        fix: "The look-up cannot be answered as it is asked. \(provider.mappings): match by userName, externalId or the work email.")
    case "invalidSyntax":
      return Diagnosis(
        .invalidSyntax, detail,
        fix: "The body is not what SCIM takes there. \(provider.mappings): look for a template or an expression that yields broken JSON.")
    case "invalidVers":
      return Diagnosis(
        .invalidVersion, detail, fix: "Enter the SCIM base URL as it ends in /api/v2/scim/. \(provider.enterURL)")
    case "mutability":
      return Diagnosis(
        .mutability, detail, fix: "The attribute cannot be changed. \(provider.mappings): apply the mapping at creation only, or remove it."
      )
    case "invalidCursor", "expiredCursor", "invalidCount":
      return Diagnosis(.invalidCursor, detail, fix: "The list was gone through too slowly or with other parameters: begin it again.")
    case "tooMany": return Diagnosis(.tooMany, detail, fix: "Narrow the filter.")
    default: return Diagnosis(.badRequest, detail, fix: "Change what the detail names. \(provider.again).")
    }
  }

  private static func invalidValue(
    _ entry: LogEntry, _ context: DiagnosisContext, _ provider: IdentityProvider, _ detail: String
  ) -> Diagnosis {
    if let settings = context.settings, detail.hasPrefix("\(settings.roleAttribute):") {
      return Diagnosis(
        .unknownRole, "\(detail) The roles today are \(settings.roles.joined(separator: ", ")).",
        fix: """
          Send one of them in \(settings.roleAttribute), or add the role to the workspace. \(provider.mappings): set the value. Without one a \
          person gets the role '\(settings.defaultRole)'. \(provider.again).
          """)
    }
    guard detail.hasPrefix("members.value:") else {
      return Diagnosis(
        .invalidValue, detail, fix: "\(provider.mappings): correct the value that the detail names. \(provider.again).")
    }
    guard !context.unknownMembers.isEmpty else {
      return Diagnosis(
        .unknownMembers, "The group was pushed before its members were: \(detail)",
        fix: "All members that it names are there now. Send it again: scimctl log replay \(entry.id). \(provider.again).")
    }
    let named = context.unknownMembers.prefix(5).map { member in
      member.id.prefix(64) + (member.deletedAt.map { " (deleted on \(day($0)))" } ?? "")
    }
    let rest = context.unknownMembers.count > 5 ? " and \(context.unknownMembers.count - 5) more" : ""
    return Diagnosis(
      .unknownMembers,
      """
      The group names members that are not users of this workspace: \(named.joined(separator: ", "))\(rest). Nothing of the push was \
      carried out.
      """,
      fix: """
        Assign these people to the application first; those who were deleted have to be assigned anew. \(provider.reassign("each of them")) \
        Then push the group again.
        """)
  }

  /// Diagnoses the statuses of HTTP, limits and outages.
  static func ofProtocol(_ entry: LogEntry, _ context: DiagnosisContext, _ provider: IdentityProvider) -> Diagnosis {
    let detail = entry.detail
    switch entry.status {
    case 405:
      return Diagnosis(
        .wrongMethod, detail ?? "\(entry.method) is not possible at \(entry.path).",
        fix: "The base URL may be wrong: it ends in /api/v2/scim/. \(provider.enterURL)")
    case 406:
      return Diagnosis(
        .notAcceptable, detail ?? "The sender takes no answer in JSON.", fix: "Have it accept application/scim+json or application/json.")
    case 412:
      return Diagnosis(
        .changedMeanwhile, detail ?? "The resource was changed since the identity provider read it, so that nothing was written.",
        fix: "Nothing: the identity provider reads it again and repeats its change. Where it does not: \(provider.again).")
    case 413:
      return Diagnosis(
        .tooLarge, detail ?? "The request is larger than is taken at once.",
        fix: "Push fewer members at once, or have the group split; the operator may raise ROLLCALL_HTTP_BODY_LIMIT.")
    case 415:
      return Diagnosis(
        .mediaType, detail ?? "The body is not sent as JSON.",
        fix: "Have the sender say Content-Type: application/scim+json; a proxy on the way may have changed it.")
    case 429:
      return Diagnosis(
        .tooManyRequests, detail ?? "More requests came than this token or workspace may send.",
        fix: "Nothing: the identity provider waits for as long as Retry-After says and goes on. Where it lasts, ask the operator for more.")
    case 503, 504, 408:
      return Diagnosis(
        .unavailable, detail ?? "The service could not carry it out in time.",
        fix:
          """
          Nothing was changed where the detail does not say otherwise: the identity provider tries again. For the operator: scimctl \
          doctor.
          """
      )
    case 500...:
      return Diagnosis(
        .defect, detail ?? "The request failed for a reason on our side.",
        fix:
          "Tell the operator the entry \(entry.id)\(entry.trace.map { " and the trace \($0)" } ?? ""); they find it in the services' logs.")
    default: return Diagnosis(.other, detail ?? "It was answered \(entry.status).", fix: "Change what the detail names.")
    }
  }
}
