import Foundation
import ServiceKit
import Testing

@testable import ScimctlCommands

@Suite("Who runs a command")
struct OperatorTests {
  private func settings(_ environment: [String: String] = [:]) async throws -> ServiceSettings {
    try await ServiceSettings.read(service: "scimctl", settings: [.operatorName], environment: environment)
  }

  @Test("is who --as names, wherever it stands, else who ROLLCALL_OPERATOR names, else the login name")
  func name() async throws {
    let named = try await settings(["ROLLCALL_OPERATOR": "ben"])
    for line in [
      ["--as", "ana", "token", "list"], ["token", "--as", "ana", "list"], ["token", "list", "--as", "ana"], ["token", "list", "--as=ana"],
    ] {
      #expect(try Scimctl.parseAsRoot(line) is ListTokens)
      #expect(try Operator.name(named, option: Operator.option(in: line)) == "ana", "\(line)")
    }
    #expect(Operator.option(in: ["token", "list", "--", "--as", "ana"]) == nil)
    #expect(Operator.option(in: ["token", "list", "--as"]) == nil)
    #expect(try Operator.name(named, option: nil) == "ben")
    let unnamed = try await settings()
    #expect(try Operator.name(unnamed, option: nil) == ProcessInfo.processInfo.userName)
  }

  @Test("has a name that the audit trail can show", arguments: ["", "  ", "a\nb", "\u{202e}ana", String(repeating: "a", count: 101)])
  func malformed(_ name: String) async throws {
    #expect(throws: (any Error).self) { try Scimctl.parseAsRoot(["token", "list", "--as", name]) }
    if !name.isEmpty {
      let settings = try await settings(["ROLLCALL_OPERATOR": name])
      let failure = try #require(throws: Failure.self) { try Operator.name(settings, option: nil) }
      #expect(failure.status == .configuration)
    }
  }
}

@Suite("What scimctl says of a sign-in")
struct SignInWordsTests {
  @Test("is what became of it, and in which workspace")
  func words() throws {
    #expect(try SignInCommand.words(for: .promoted, of: "ana@example.com", in: "acme").contains("active now"))
    #expect(try SignInCommand.words(for: .alreadyActive, of: "ana@example.com", in: "acme").contains("active already"))
    #expect(try SignInCommand.words(for: .remembered, of: "nobody@example.com", in: "acme").contains("remembered for 30 days"))
    let failure = try #require(throws: Failure.self) { try SignInCommand.words(for: .disabled, of: "ana@example.com", in: "acme") }
    #expect(failure.status == .refused && failure.message.contains("workspace acme") && failure.message.contains("disabled"))
  }
}
