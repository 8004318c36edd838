import ArgumentParser
import Foundation
import MailTemplates
import Models

/// `scimctl invitation template export`
struct ExportTemplates: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export", abstract: "Print a workspace's own templates, all of them, as 'template import' reads them.")

  @OptionGroup var workspace: WorkspaceOption

  func run() async throws {
    let settings = try await Settings.forReading()
    let templates = try await withDatabase(settings) { pool in
      let workspace = try await workspace.resolve(settings, on: pool)
      return try await InvitationTemplateCommands.stored(in: workspace.id, on: pool).map(\.0)
    }
    print(try TemplateCopies.text(of: templates))
  }
}

/// `scimctl invitation template import FILE`
struct ImportTemplates: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import", abstract: "Set a workspace's templates as 'template export' printed them; those of other languages stay.")

  @OptionGroup var workspace: WorkspaceOption

  @Argument(help: "The file.")
  var file: String

  func run() async throws {
    let templates = try TemplateCopies.templates(in: TemplateFiles.read(file) ?? "", called: file)
    for template in templates {
      let slug = try await InvitationTemplateCommands.order(.setTemplate(template), in: workspace)
      print("Workspace \(slug) has its own wording for \(template.language)")
    }
    if templates.isEmpty { print("The file has no templates") }
  }
}

/// Templates in a file: JSON, an array of `{"language":…,"subject":…,"text":…,"html":…}`.
enum TemplateCopies {
  static func text(of templates: [InvitationTemplate]) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(templates), as: UTF8.self)
  }

  /// - Throws: ``Failure`` where the file is none, or has a template that cannot be used: none is set then.
  static func templates(in text: String, called file: String) throws(Failure) -> [InvitationTemplate] {
    let templates: [InvitationTemplate]
    do {
      templates = try JSONDecoder().decode([InvitationTemplate].self, from: Data(text.utf8))
    } catch {
      throw Failure(.refused, "the file '\(file)' has no templates as 'scimctl invitation template export' prints them: \(error)")
    }
    for template in templates { _ = try TemplateFiles.checked(template) }
    return templates
  }
}
