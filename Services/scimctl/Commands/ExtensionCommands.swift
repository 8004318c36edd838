import ArgumentParser
import Foundation
import Models

/// `scimctl workspace extension …`
struct ExtensionCommands: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "extension", abstract: "The attributes that a workspace adds to those of the standard.",
    subcommands: [SetExtension.self, ListExtensions.self, RemoveExtension.self])
}

/// `scimctl workspace extension set SLUG FILE`
struct SetExtension: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "set", abstract: "Add a schema to a workspace, or change the one with the same URN.",
    discussion: """
      FILE holds a schema in the form of RFC 7643 §7, in JSON:

        {"id": "urn:example:scim:schemas:acme:2.0:User", "name": "Acme", "resourceType": "User", "attributes": [
          {"name": "badge", "type": "integer"},
          {"name": "desks", "type": "complex", "multiValued": true, "subAttributes": [{"name": "value"}, {"name": "floor"}]}]}

      Types are string (where none is given), boolean, integer, decimal, dateTime, binary, reference and complex. An attribute may have \
      multiValued, required, caseExact, mutability (readWrite or immutable), canonicalValues and a description. resourceType is User or \
      Group. What users hold already under an attribute that is left out, or gets another type, goes with their next change.
      """)

  @Argument(help: "The workspace's slug.")
  var slug: String

  @Argument(help: "The file; - for standard input.")
  var file: String

  func run() async throws {
    let schemaExtension = try Self.read(file)
    try await WorkspaceChange.carryOut(on: slug) { settings in settings.adding(schemaExtension) }
    print("Workspace \(slug) has \(schemaExtension.id), with \(schemaExtension.attributes.count) attributes")
  }

  /// - Throws: ``Failure`` where the file can't be read, or holds no schema.
  static func read(_ file: String) throws(Failure) -> SchemaExtension {
    let data: Data
    do {
      data = try file == "-" ? FileHandle.standardInput.readToEnd() ?? Data() : Data(contentsOf: URL(fileURLWithPath: file))
    } catch {
      throw Failure(.notFound, "the file '\(file)' can't be read: \(error.localizedDescription)")
    }
    return try parse([UInt8](data), from: file)
  }

  static func parse(_ bytes: [UInt8], from file: String) throws(Failure) -> SchemaExtension {
    do throws(MessageError) {
      return try JSONData.decode(from: bytes, type: "schema")
    } catch {
      throw Failure(.refused, "'\(file)' holds no schema: \(error). 'scimctl workspace extension set --help' shows one")
    }
  }
}

/// `scimctl workspace extension list SLUG`
struct ListExtensions: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List a workspace's own schemas: resource type, URN, attributes.")

  @Argument(help: "The workspace's slug.")
  var slug: String

  func run() async throws {
    let settings = try await Settings.forReading()
    let workspace = try await withDatabase(settings) { try await KnownWorkspace.named(slug, on: $0) }
    Self.table(of: workspace.settings).print()
  }

  static func table(of settings: WorkspaceSettings) -> Table {
    var table = Table()
    for schemaExtension in settings.extensions {
      table.append([
        schemaExtension.resourceType.rawValue, schemaExtension.id, schemaExtension.attributes.map(\.name).joined(separator: ","),
      ])
    }
    return table
  }
}

/// `scimctl workspace extension remove SLUG URN`
struct RemoveExtension: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "remove", abstract: "Take a schema from a workspace. What users hold under it goes with their next change.")

  @Argument(help: "The workspace's slug.")
  var slug: String

  @Argument(help: "The schema's URN, as 'scimctl workspace extension list' shows it.")
  var urn: String

  func run() async throws {
    try await WorkspaceChange.carryOut(on: slug) { settings throws(Failure) in
      guard let rest = settings.removingExtension(urn) else {
        throw Failure(.notFound, "workspace \(slug) has no schema \(urn). 'scimctl workspace extension list \(slug)' shows those it has")
      }
      return rest
    }
    print("Workspace \(slug) has \(urn) no more")
  }
}

extension WorkspaceSettings {
  /// The same settings with a schema, which takes the place of the one with the same URN.
  func adding(_ schemaExtension: SchemaExtension) -> WorkspaceSettings {
    var changed = self
    if let index = extensions.firstIndex(where: { $0.id.lowercased() == schemaExtension.id.lowercased() }) {
      changed.extensions[index] = schemaExtension
    } else {
      changed.extensions.append(schemaExtension)
    }
    return changed
  }

  /// nil where there is none of that URN.
  func removingExtension(_ urn: String) -> WorkspaceSettings? {
    var changed = self
    changed.extensions.removeAll { $0.id.lowercased() == urn.lowercased() }
    return changed.extensions.count < extensions.count ? changed : nil
  }
}
