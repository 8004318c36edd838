import EdgeHTTP
import EdgeReads
import Foundation
import Hummingbird
import MailTemplates
import Models
import SCIM

/// `/api/v2/admin/workspaces/{workspace}/invitation-templates`: a workspace's own wording of invitations, by language.
struct InvitationTemplatesController: ManagementController {
  private let query: InvitationTemplatesQuery
  private let commands: CommandClient
  private let bodies: BodyReader

  private static let language = "language"

  init(_ dependencies: Management.Dependencies) {
    query = InvitationTemplatesQuery(database: dependencies.database)
    commands = dependencies.commands
    bodies = dependencies.bodies
  }

  func addRoutes(to routes: ManagementRoutes) {
    let group = routes.workspace
    group.getAndHead("invitation-templates", use: list)
    group.on("invitation-templates/{\(Self.language)}", method: .put, use: set)
    group.on("invitation-templates/{\(Self.language)}", method: .delete, use: reset)
  }

  /// All templates: a workspace has a few.
  @Sendable private func list(_ request: Request, _ context: CallerContext) async throws -> Response {
    let templates = try await query.templates(in: context.caller.workspace).map { stored in
      var object: JSONObject = [
        "language": .string(stored.template.language), "changedAt": .string(Timestamp.text(stored.changedAt)),
      ]
      object["subject"] = stored.template.subject.map { .string($0) }
      object["text"] = stored.template.text.map { .string($0) }
      object["html"] = stored.template.html.map { .string($0) }
      return JSON.object(object)
    }
    return .management(.ok, ["templates": .array(templates)])
  }

  /// Sets the template of a language, or of all languages with `all`. invitation-mailer applies it a moment later, so the response is 202.
  @Sendable private func set(_ request: Request, _ context: CallerContext) async throws -> Response {
    let body = try await JSONBody(of: request, context, with: bodies, members: ["subject", "text", "html"])
    var key = try IdempotencyKey(request, body: body.bytes, of: context.caller)
    let template = InvitationTemplate(
      language: language(in: context), subject: try body.string("subject"), text: try body.string("text"), html: try body.string("html"))
    let faults = try await BlockingWork.run { TemplateCheck.faults(in: template) }
    guard faults.isEmpty else {
      throw ProblemDetails(
        400, .invalidBody, "The template is not valid: \(faults.joined(separator: "; ")).",
        errors: faults.map { ProblemDetails.Item(.pointer(""), $0) })
    }
    try await commands.execute(.orderInvitation(.setTemplate(template)), for: context.caller, once: &key, info: context.info).checkDone()
    return Response(status: .accepted)
  }

  @Sendable private func reset(_ request: Request, _ context: CallerContext) async throws -> Response {
    var key = try IdempotencyKey(request, body: [], of: context.caller)
    let order = InvitationOrder.resetTemplate(language: language(in: context))
    try await commands.execute(.orderInvitation(order), for: context.caller, once: &key, info: context.info).checkDone()
    return Response(status: .accepted)
  }

  /// The language in the path. `*`, for all languages without their own template, may be written as `all`.
  private func language(in context: CallerContext) -> String {
    let text = context.parameters.get(Self.language) ?? ""
    return text == "all" ? InvitationTemplate.everyLanguage : text
  }
}
