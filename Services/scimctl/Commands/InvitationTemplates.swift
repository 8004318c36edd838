import ArgumentParser
import Foundation
import MailTemplates
import Models
import Postgres
import ServiceKit

/// `scimctl invitation template …`
struct InvitationTemplateCommands: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "template", abstract: "A workspace's own wording of its invitations.",
    discussion: """
      Templates are mustache: {{variable}}, {{#section}}…{{/section}}, {{^section}}…{{/section}}, and nothing more. What they name is \
      escaped in HTML. Variables: \(TemplateCheck.variables.joined(separator: ", ")). `next` is a list, {{#next}}{{.}}{{/next}}; isReminder \
      is true for reminders. Text and HTML have to name {{url}}.
      """,
    subcommands: [
      SetTemplate.self, ShowTemplates.self, ResetTemplate.self, PreviewTemplate.self, ExportTemplates.self, ImportTemplates.self,
    ])
}

/// The parts of a template, from files.
struct TemplateFiles: ParsableArguments {
  @Option(help: "The language (BCP 47, such as de or pt-BR); * for every language that has none of its own.")
  var language = InvitationTemplate.everyLanguage

  @Option(help: "The subject.")
  var subject: String?

  @Option(help: "The file of the text.")
  var text: String?

  @Option(help: "The file of the HTML.")
  var html: String?

  /// - Throws: ``Failure`` where a file can't be read, or the whole is no template.
  func template() throws(Failure) -> InvitationTemplate {
    try Self.checked(
      InvitationTemplate(language: language, subject: subject, text: try Self.read(text), html: try Self.read(html)))
  }

  static func checked(_ template: InvitationTemplate) throws(Failure) -> InvitationTemplate {
    let faults = TemplateCheck.faults(in: template)
    guard faults.isEmpty else {
      throw Failure(.refused, "the template for \(template.language) cannot be used: \(faults.joined(separator: "; "))")
    }
    return template
  }

  static func read(_ file: String?) throws(Failure) -> String? {
    guard let file else { return nil }
    do {
      return try String(contentsOfFile: file, encoding: .utf8)
    } catch {
      throw Failure(.notFound, "the file '\(file)' can't be read: \(error.localizedDescription)")
    }
  }
}

/// `scimctl invitation template set`
struct SetTemplate: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "set", abstract: "Word the invitations in one language, or in all; parts that are not given are as built in.")

  @OptionGroup var workspace: WorkspaceOption
  @OptionGroup var files: TemplateFiles

  func run() async throws {
    let template = try files.template()
    let slug = try await InvitationTemplateCommands.order(.setTemplate(template), in: workspace)
    print("Workspace \(slug) has its own wording for \(template.language)")
  }
}

/// `scimctl invitation template reset`
struct ResetTemplate: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "reset", abstract: "Go back to what is built in, for one language.")

  @OptionGroup var workspace: WorkspaceOption

  @Option(help: "The language that the template was set for; * for the one of every language.")
  var language = InvitationTemplate.everyLanguage

  func run() async throws {
    let slug = try await InvitationTemplateCommands.order(.resetTemplate(language: language), in: workspace)
    print("Workspace \(slug) has the built-in wording for \(language)")
  }
}

/// `scimctl invitation template show`
struct ShowTemplates: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Show a workspace's own templates; without --language, which there are.")

  @OptionGroup var workspace: WorkspaceOption

  @Option(help: "Show the one of this language, whole.")
  var language: String?

  func run() async throws {
    let settings = try await Settings.forReading()
    let rows = try await withDatabase(settings) { pool in
      let workspace = try await workspace.resolve(settings, on: pool)
      return try await InvitationTemplateCommands.stored(in: workspace.id, on: pool)
    }
    guard let language else {
      var table = Table()
      for (template, changedAt) in rows {
        let parts = [("subject", template.subject), ("text", template.text), ("html", template.html)]
        table.append([template.language, parts.filter { $0.1 != nil }.map(\.0).joined(separator: ","), Timestamp.text(changedAt)])
      }
      return table.print()
    }
    guard let (template, _) = rows.first(where: { $0.0.language == language.lowercased() }) else {
      throw Failure(.notFound, "the workspace has no template for '\(language)'")
    }
    for (name, part) in [("subject", template.subject), ("text", template.text), ("html", template.html)] {
      guard let part else { continue }
      print("--- \(name)\n\(part)")
    }
  }
}

/// `scimctl invitation template preview`
struct PreviewTemplate: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "preview", abstract: "Show the mail that somebody would get: with the files given, or as the workspace's mails are now.")

  @OptionGroup var workspace: WorkspaceOption
  @OptionGroup var files: TemplateFiles

  @Flag(help: "Show the HTML in place of the text.")
  var asHTML = false

  @Flag(help: "Show the reminder.")
  var reminder = false

  func run() async throws {
    let settings = try await Settings.forReading()
    let (known, stored) = try await withDatabase(settings) { pool in
      let workspace = try await workspace.resolve(settings, on: pool)
      return (workspace, try await InvitationTemplateCommands.stored(in: workspace.id, on: pool).map(\.0))
    }
    let isGiven = files.subject != nil || files.text != nil || files.html != nil
    let templates = isGiven ? [try files.template()] : stored
    print(try Self.preview(templates, of: known.settings, language: files.language, asHTML: asHTML, reminder: reminder))
  }

  /// The mail to somebody: its headers, and one of its forms.
  static func preview(
    _ templates: [InvitationTemplate], of settings: WorkspaceSettings, language: String, asHTML: Bool, reminder: Bool
  ) throws -> String {
    guard let from = MailAddress(name: "Rollcall", address: "invitations@rollcall.example") else { return "" }
    var notice = try InvitationNotice.sample(of: nil, reminder: reminder ? 1 : 0, workspace: settings)
    notice.workspace.templates = try CustomTemplates(templates)
    notice.language = language == InvitationTemplate.everyLanguage ? nil : language
    do {
      let message = try InvitationComposer(from: from).message(for: notice, at: Date())
      if asHTML { return message.html }
      return (message.headers.map(\.line) + ["", message.text]).joined(separator: "\n").replacing("\r\n", with: "\n")
    } catch let error as CompositionError {
      throw Failure(.refused, "\(error)")
    }
  }
}

extension InvitationTemplateCommands {
  /// Has the mailer carry out an order about a workspace, and returns its slug.
  static func order(_ order: InvitationOrder, in option: WorkspaceOption) async throws -> String {
    let settings = try await Settings.forWriting()
    return try await withDatabase(settings) { pool in
      let workspace = try await option.resolve(settings, on: pool)
      let store = try await CommandClient(settings, pool: pool)
      try await store.carryOut(.orderInvitation(order), in: workspace.id)
      return workspace.settings.slug
    }
  }

  static func stored(in workspace: WorkspaceID, on pool: PostgresPool) async throws -> [(InvitationTemplate, Date)] {
    try await pool.query(InvitationQueries.templates, [.uuid(workspace.uuid)]).map { row in
      (
        InvitationTemplate(
          language: try row.string(0), subject: try row.optionalString(1), text: try row.optionalString(2), html: try row.optionalString(3)),
        try row.timestamp(4)
      )
    }
  }
}
