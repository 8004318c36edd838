import ArgumentParser
import Foundation
import Models

/// `scimctl workspace extension`, the commands for custom schemas.
struct ExtensionCommands: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "extension", abstract: "Custom schemas of a workspace.",
    subcommands: [SetExtension.self, ListExtensions.self, RemoveExtension.self])
}

/// `scimctl workspace extension set SLUG FILE`, which adds or replaces a schema.
struct SetExtension: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "set", abstract: "Add a custom schema to a workspace, or replace the one with the same URN.",
    discussion: """
      FILE contains a schema in JSON, as described in RFC 7643 §7:

        {"id": "urn:example:scim:schemas:acme:2.0:User", "name": "Acme", "resourceType": "User", "attributes": [
          {"name": "badge", "type": "integer"},
          {"name": "desks", "type": "complex", "multiValued": true, "subAttributes": [{"name": "value"}, {"name": "floor"}]}]}

      Types are string (the default), boolean, integer, decimal, dateTime, binary, reference and complex. An attribute may have multiValued, \
      required, caseExact, mutability (readWrite or immutable), canonicalValues and a description. resourceType is User or Group. Values of \
      attributes that are removed or get another type are dropped with the next change of their user or group.
      """)

  @Argument(help: "The workspace's slug.")
  var slug: String

  @Argument(help: "The path of the file; - for standard input.")
  var file: String

  func run() async throws {
    let schemaExtension = try Self.read(file)
    try await WorkspaceUpdate.apply(to: slug) { settings in settings.adding(schemaExtension) }
    print("Workspace \(slug) has the schema \(schemaExtension.id) with \(schemaExtension.attributes.count) attributes")
  }

  /// Reads a schema from a file.
  ///
  /// - Throws: ``ScimctlError`` if the file cannot be read, or contains no schema.
  static func read(_ file: String) throws(ScimctlError) -> SchemaExtension {
    let data: Data
    do {
      data = try file == "-" ? FileHandle.standardInput.readToEnd() ?? Data() : Data(contentsOf: URL(fileURLWithPath: file))
    } catch {
      throw ScimctlError(.notFound, "the file '\(file)' cannot be read: \(error.localizedDescription)")
    }
    return try parse([UInt8](data), from: file)
  }

  /// Parses a schema.
  ///
  /// - Throws: ``ScimctlError`` if `bytes` are not a schema.
  static func parse(_ bytes: [UInt8], from file: String) throws(ScimctlError) -> SchemaExtension {
    do throws(MessageError) {
      return try JSONData.decode(from: bytes, type: "schema")
    } catch {
      throw ScimctlError(
        .rejected, "'\(file)' does not contain a valid schema: \(error). 'scimctl workspace extension set --help' shows an example")
    }
  }
}

/// `scimctl workspace extension list SLUG`, which lists schemas.
struct ListExtensions: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List the custom schemas of a workspace: resource type, URN, attributes.")

  @Argument(help: "The workspace's slug.")
  var slug: String

  @OptionGroup var output: OutputOption

  func run() async throws {
    try await withAdministration { administration in
      let workspace = try await administration.workspace(named: slug)
      try output.print(workspace.settings.extensions, as: Self.table)
    }
  }

  /// One row per schema.
  static func table(of extensions: [SchemaExtension]) -> Table {
    var table = Table("TYPE", "URN", "ATTRIBUTES")
    for schemaExtension in extensions {
      table.append([
        schemaExtension.resourceType.rawValue, schemaExtension.id, schemaExtension.attributes.map(\.name).joined(separator: ","),
      ])
    }
    return table
  }
}

/// `scimctl workspace extension remove SLUG URN`, which removes a schema.
struct RemoveExtension: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "remove",
    abstract: "Remove a custom schema from a workspace. Its values are dropped with the next change of their user or group.")

  @Argument(help: "The workspace's slug.")
  var slug: String

  @Argument(help: "The URN of the schema; see 'scimctl workspace extension list'.")
  var urn: String

  func run() async throws {
    try await WorkspaceUpdate.apply(to: slug) { settings throws(ScimctlError) in
      guard let rest = settings.removingExtension(urn) else {
        throw ScimctlError(
          .notFound, "workspace \(slug) has no schema \(urn). 'scimctl workspace extension list \(slug)' lists its schemas")
      }
      return rest
    }
    print("Workspace \(slug) no longer has the schema \(urn)")
  }
}

extension WorkspaceSettings {
  /// Returns the settings with a schema added, which replaces the one with the same URN.
  func adding(_ schemaExtension: SchemaExtension) -> WorkspaceSettings {
    var changed = self
    if let index = extensions.firstIndex(where: { $0.id.lowercased() == schemaExtension.id.lowercased() }) {
      changed.extensions[index] = schemaExtension
    } else {
      changed.extensions.append(schemaExtension)
    }
    return changed
  }

  /// Returns the settings without the schema with this URN; nil if they do not contain it.
  func removingExtension(_ urn: String) -> WorkspaceSettings? {
    var changed = self
    changed.extensions.removeAll { $0.id.lowercased() == urn.lowercased() }
    return changed.extensions.count < extensions.count ? changed : nil
  }
}
