import ArgumentParser
import Foundation

/// `scimctl profile`, the commands for stored servers and tokens.
struct ProfileCommands: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "profile", abstract: "The servers and tokens that 'scimctl login' has stored.",
    subcommands: [ListProfiles.self, UseProfile.self, RemoveProfile.self])
}

/// `scimctl profile list`, which lists profiles.
struct ListProfiles: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List profiles: whether it is the current one, name, server.")

  @OptionGroup var output: OutputOption

  /// A profile without its token.
  struct Row: Sendable, Equatable, Encodable {
    var name: String
    var server: String
    var isCurrent: Bool
  }

  func run() throws {
    let stored = try ServerProfiles.read(from: ServerProfiles.path())
    try output.print(Self.rows(of: stored)) { rows in
      var table = Table("CURRENT", "NAME", "SERVER")
      for row in rows { table.append([row.isCurrent ? "*" : nil, row.name, row.server]) }
      return table
    }
  }

  /// The profiles by name.
  static func rows(of stored: ServerProfiles) -> [Row] {
    stored.profiles.sorted { $0.key < $1.key }.map { name, profile in
      Row(name: name, server: profile.server, isCurrent: name == stored.current)
    }
  }
}

/// `scimctl profile use NAME`, which selects a profile.
struct UseProfile: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "use", abstract: "Make a profile the current one.")

  @Argument(help: "The name of the profile; see 'scimctl profile list'.")
  var name: String

  func run() throws {
    let path = ServerProfiles.path()
    var stored = try ServerProfiles.read(from: path)
    let profile = try stored.named(name)
    stored.current = name
    try stored.write(to: path)
    print("Profile \(name) is the current one: \(profile.server)")
  }
}

/// `scimctl profile remove NAME`, which removes a profile.
struct RemoveProfile: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "remove", abstract: "Remove a profile with its token from this machine. The token stays valid until it is revoked.")

  @Argument(help: "The name of the profile; see 'scimctl profile list'.")
  var name: String

  func run() throws {
    let path = ServerProfiles.path()
    var stored = try ServerProfiles.read(from: path)
    try stored.remove(name)
    try stored.write(to: path)
    print("Profile \(name) removed")
  }
}
