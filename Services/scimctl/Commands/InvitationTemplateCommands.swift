import ArgumentParser
import Foundation
import MailTemplates
import Models

/// `scimctl invitation template`, the commands for a workspace's invitation templates.
struct InvitationTemplateCommands: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "template", abstract: "Invitation templates of a workspace.",
    discussion: """
      Templates use Mustache: only {{variable}}, {{#section}}…{{/section}} and {{^section}}…{{/section}}. Values are escaped in HTML. \
      Variables: \(TemplateCheck.variables.joined(separator: ", ")). `next` is a list: {{#next}}{{.}}{{/next}}. isReminder is true for \
      reminders. Text and HTML must contain {{url}}.
      """,
    subcommands: [
      SetTemplate.self, ShowTemplates.self, ResetTemplate.self, PreviewTemplate.self, ExportTemplates.self, ImportTemplates.self,
    ])
}

/// The options for the parts of a template, which are read from files.
struct TemplateOptions: ParsableArguments {
  @Option(help: "The language (BCP 47, such as de or pt-BR); * for every language without its own template.")
  var language = InvitationTemplate.everyLanguage

  @Option(help: "The subject.")
  var subject: String?

  @Option(help: "The path of the text part.")
  var text: String?

  @Option(help: "The path of the HTML part.")
  var html: String?

  /// Reads and checks the template.
  ///
  /// - Throws: ``ScimctlError`` if a file cannot be read, or the template is invalid.
  func template() throws(ScimctlError) -> InvitationTemplate {
    try Self.checked(
      InvitationTemplate(language: language, subject: subject, text: try Self.read(text), html: try Self.read(html)))
  }

  /// Returns `template` if it is valid.
  ///
  /// - Throws: ``ScimctlError`` with all problems otherwise.
  static func checked(_ template: InvitationTemplate) throws(ScimctlError) -> InvitationTemplate {
    let faults = TemplateCheck.faults(in: template)
    guard faults.isEmpty else {
      throw ScimctlError(.rejected, "the template for \(template.language) is invalid: \(faults.joined(separator: "; "))")
    }
    return template
  }

  /// Reads a text file; nil without a path.
  ///
  /// - Throws: ``ScimctlError`` if the file cannot be read.
  static func read(_ file: String?) throws(ScimctlError) -> String? {
    guard let file else { return nil }
    do {
      return try String(contentsOfFile: file, encoding: .utf8)
    } catch {
      throw ScimctlError(.notFound, "the file '\(file)' cannot be read: \(error.localizedDescription)")
    }
  }
}

/// `scimctl invitation template set`, which sets a template.
struct SetTemplate: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "set", abstract: "Set the template for one language, or for all; parts that are not given have the built-in wording.")

  @OptionGroup var workspace: WorkspaceOption
  @OptionGroup var files: TemplateOptions

  func run() async throws {
    let template = try files.template()
    try await withAdministration { administration in
      let workspace = try await administration.workspace(workspace)
      try await administration.setInvitationTemplate(template, of: workspace)
      print("Workspace \(workspace.settings.slug) has its own wording for \(template.language)")
    }
  }
}

/// `scimctl invitation template reset`, which restores the built-in wording.
struct ResetTemplate: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "reset", abstract: "Restore the built-in wording for one language.")

  @OptionGroup var workspace: WorkspaceOption

  @Option(help: "The language of the template; * for the template of every language.")
  var language = InvitationTemplate.everyLanguage

  func run() async throws {
    try await withAdministration { administration in
      let workspace = try await administration.workspace(workspace)
      try await administration.resetInvitationTemplate(language, of: workspace)
      print("Workspace \(workspace.settings.slug) has the built-in wording for \(language)")
    }
  }
}

/// `scimctl invitation template show`, which shows templates.
struct ShowTemplates: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "List the templates of a workspace; with --language, show one.")

  @OptionGroup var workspace: WorkspaceOption

  @Option(help: "Show the complete template for this language.")
  var language: String?

  @OptionGroup var output: OutputOption

  func run() async throws {
    try await withAdministration { administration in
      let workspace = try await administration.workspace(workspace)
      let templates = try await administration.invitationTemplates(of: workspace)
      guard let language else { return try output.print(templates, as: StoredTemplate.table) }
      guard let template = templates.first(where: { $0.language == language.lowercased() }) else {
        throw ScimctlError(.notFound, "the workspace has no template for '\(language)'")
      }
      if output.json { return try output.print(template) { StoredTemplate.table(of: [template]) } }
      for part in template.parts { print("--- \(part.name)\n\(part.content)") }
    }
  }
}

/// `scimctl invitation template preview`, which renders a mail.
struct PreviewTemplate: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "preview", abstract: "Show a sample mail, with the given files or with the workspace's templates.")

  @OptionGroup var workspace: WorkspaceOption
  @OptionGroup var files: TemplateOptions

  @Flag(help: "Show the HTML part instead of the text.")
  var asHTML = false

  @Flag(help: "Show the reminder instead of the invitation.")
  var reminder = false

  func run() async throws {
    try await withAdministration { administration in
      let known = try await administration.workspace(workspace)
      let isGiven = files.subject != nil || files.text != nil || files.html != nil
      let templates = try await isGiven ? [files.template()] : administration.invitationTemplates(of: known).map(\.template)
      print(try Self.preview(templates, of: known.settings, language: files.language, asHTML: asHTML, reminder: reminder))
    }
  }

  /// A sample mail: its headers and the text, or its HTML part.
  ///
  /// - Throws: ``ScimctlError`` if the templates cannot be rendered.
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
      throw ScimctlError(.rejected, "\(error)")
    }
  }
}

/// `scimctl invitation template export`, which prints all templates.
struct ExportTemplates: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export", abstract: "Print all templates of a workspace as JSON, for 'template import'.")

  @OptionGroup var workspace: WorkspaceOption

  func run() async throws {
    try await withAdministration { administration in
      let workspace = try await administration.workspace(workspace)
      let templates = try await administration.invitationTemplates(of: workspace)
      print(try InvitationTemplateFile.text(of: templates.map(\.template)))
    }
  }
}

/// `scimctl invitation template import FILE`, which sets templates from a file.
struct ImportTemplates: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import", abstract: "Set templates from the output of 'template export'; templates for other languages stay the same.")

  @OptionGroup var workspace: WorkspaceOption

  @Argument(help: "The path of the file.")
  var file: String

  func run() async throws {
    let templates = try InvitationTemplateFile.templates(in: TemplateOptions.read(file) ?? "", file: file)
    guard !templates.isEmpty else { return print("The file contains no templates") }
    try await withAdministration { administration in
      let workspace = try await administration.workspace(workspace)
      for template in templates {
        try await administration.setInvitationTemplate(template, of: workspace)
        print("Workspace \(workspace.settings.slug) has its own wording for \(template.language)")
      }
    }
  }
}

/// The file format of exported templates: a JSON array of `{"language":…,"subject":…,"text":…,"html":…}`.
enum InvitationTemplateFile {
  /// Encodes templates.
  static func text(of templates: [InvitationTemplate]) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(templates), as: UTF8.self)
  }

  /// Decodes and checks templates.
  ///
  /// - Parameter file: The name of the file, for error messages.
  /// - Throws: ``ScimctlError`` if the text has another format, or a template is invalid.
  static func templates(in text: String, file: String) throws(ScimctlError) -> [InvitationTemplate] {
    let templates: [InvitationTemplate]
    do {
      templates = try JSONDecoder().decode([InvitationTemplate].self, from: Data(text.utf8))
    } catch {
      throw ScimctlError(.rejected, "the file '\(file)' is not an output of 'scimctl invitation template export': \(error)")
    }
    for template in templates { _ = try TemplateOptions.checked(template) }
    return templates
  }
}
