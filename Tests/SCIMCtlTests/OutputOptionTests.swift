import ArgumentParser
import Testing

@testable import ScimctlCommands

@Suite("The option --json")
struct OutputOptionTests {
  private static let reading: Set<String> = [
    "list", "show", "tail", "members", "timeline", "accounts", "sessions", "deliveries", "health", "deletions", "check", "doctor", "top",
  ]

  private static func leaves(of command: any ParsableCommand.Type, named name: String) -> [(
    name: String, command: any ParsableCommand.Type
  )] {
    let subcommands = command.configuration.subcommands
    guard !subcommands.isEmpty else { return [(name, command)] }
    return subcommands.flatMap { leaves(of: $0, named: "\(name) \($0._commandName)") }
  }

  @Test("Every command that lists or shows something accepts it")
  func everywhere() {
    let commands = Self.leaves(of: Scimctl.self, named: "scimctl").filter {
      Self.reading.contains(String($0.name.split(separator: " ").last ?? ""))
    }
    #expect(commands.count > 30)
    for (name, command) in commands {
      #expect(Scimctl.helpMessage(for: command).contains("--json"), "\(name) has no option --json")
    }
  }
}
