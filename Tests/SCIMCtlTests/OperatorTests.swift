import Foundation
import ServiceKit
import Testing

@testable import ScimctlCommands

@Suite("The operator's name")
struct OperatorTests {
  private func settings(_ environment: [String: String] = [:]) async throws -> ServiceSettings {
    try await ServiceSettings.read(service: "scimctl", settings: [.operatorName], environment: environment)
  }

  @Test("The name is that of --as at any position, else ROLLCALL_OPERATOR, else the login name")
  func name() async throws {
    let named = try await settings(["ROLLCALL_OPERATOR": "ben"])
    for line in [
      ["--as", "ana", "token", "list"], ["token", "--as", "ana", "list"], ["token", "list", "--as", "ana"], ["token", "list", "--as=ana"],
    ] {
      #expect(try Scimctl.parseAsRoot(line) is ListTokens)
      #expect(try Operator.name(named, option: GlobalOptions.Values(in: line).operatorName) == "ana", "\(line)")
    }
    #expect(GlobalOptions.Values(in: ["token", "list", "--", "--as", "ana"]).operatorName == nil)
    #expect(GlobalOptions.Values(in: ["token", "list", "--as"]).operatorName == nil)
    #expect(try Operator.name(named, option: nil) == "ben")
    let unnamed = try await settings()
    #expect(try Operator.name(unnamed, option: nil) == ProcessInfo.processInfo.userName)
  }

  @Test("A name must be printable and not too long", arguments: ["", "  ", "a\nb", "\u{202e}ana", String(repeating: "a", count: 101)])
  func malformed(_ name: String) async throws {
    #expect(throws: (any Error).self) { try Scimctl.parseAsRoot(["token", "list", "--as", name]) }
    if !name.isEmpty {
      let settings = try await settings(["ROLLCALL_OPERATOR": name])
      let failure = try #require(throws: ScimctlError.self) { try Operator.name(settings, option: nil) }
      #expect(failure.status == .configuration)
    }
  }
}

@Suite("The output of scimctl sign-in")
struct SignInMessageTests {
  @Test("The output contains the outcome and the workspace")
  func messages() throws {
    #expect(try SignInCommand.message(for: .promoted, of: "ana@example.com", in: "acme").contains("active now"))
    #expect(try SignInCommand.message(for: .alreadyActive, of: "ana@example.com", in: "acme").contains("was active already"))
    #expect(try SignInCommand.message(for: .remembered, of: "nobody@example.com", in: "acme").contains("remembered for 30 days"))
    let failure = try #require(throws: ScimctlError.self) { try SignInCommand.message(for: .disabled, of: "ana@example.com", in: "acme") }
    #expect(failure.status == .rejected && failure.message.contains("workspace acme") && failure.message.contains("disabled"))
  }
}
