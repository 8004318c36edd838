import Foundation
import Testing

@testable import Models

@Suite("Versions of messages")
struct MessageVersionTests {
  /// The types that release 0.2 sends to services. A type may be removed from this list when the next release no longer reads it.
  private static let commandTypes: [String] = [
    "bulk", "create-group", "create-user", "create-workspace", "decide-held-change", "delete-group", "delete-user", "issue-token",
    "order-invitation", "patch-group", "patch-user", "promote-user", "rebuild", "record-token-uses", "replace-group", "replace-user",
    "report-mail", "restate", "revoke-token", "rotate-secret", "rotate-token", "update-workspace",
  ].map { "rollcall.command.\($0).v1" }
  private static let eventTypes: [String] = [
    "rollcall.change.held.v1", "rollcall.group.changed.v1", "rollcall.invitation.ordered.v1", "rollcall.sign-in.refused.v1",
    "rollcall.user.changed.v1", "rollcall.workspace.changed.v1",
  ]

  private static func message(_ type: String) -> CloudEvent {
    CloudEvent(
      id: "01a20c81-86d0-7f41-8f52-0c7d3a6f5a10", source: "test", type: type, subject: "01a20c81-86d0-7f41-8f52-0c7d3a6f5a11",
      time: Date(timeIntervalSince1970: 1_769_850_000), data: Array("{}".utf8))
  }

  /// Whether a decoder knows the type. It may still reject the empty data.
  private func isKnown(_ decode: () throws(MessageError) -> Void) -> Bool {
    do {
      try decode()
      return true
    } catch .unknownType {
      return false
    } catch .newerVersion {
      return false
    } catch {
      return true
    }
  }

  @Test("Commands of the previous release are read", arguments: commandTypes)
  func commands(type: String) {
    #expect(isKnown { () throws(MessageError) in _ = try Command.Operation(type: type, data: Array("{}".utf8)) })
  }

  @Test("Events of the previous release are read", arguments: eventTypes)
  func events(type: String) {
    #expect(isKnown { () throws(MessageError) in _ = try IdentityEvent(Self.message(type)) })
  }

  @Test("Replies, sign-ins and mail events of the previous release are read")
  func others() {
    #expect(isKnown { () throws(MessageError) in _ = try Reply(Self.message("rollcall.reply.v1")) })
    #expect(isKnown { () throws(MessageError) in _ = try SignIn(Self.message("rollcall.sign-in.v1")) })
    #expect(isKnown { () throws(MessageError) in _ = try MailEvent(Self.message("rollcall.mail.v1")) })
  }

  @Test("Every event that is sent is of a type that is read")
  func own() throws {
    for kind in WorkspaceAlert.Kind.allCases {
      #expect(isKnown { () throws(MessageError) in _ = try IdentityEvent(Self.message(kind.eventType)) })
    }
  }

  @Test("A message of a newer version is distinguished from one of an unknown type, and its error says what to do")
  func newer() {
    #expect(throws: MessageError.newerVersion("rollcall.command.create-user.v2", known: 1)) {
      try Command.Operation(type: "rollcall.command.create-user.v2", data: [])
    }
    #expect(throws: MessageError.unknownType("rollcall.command.levitate.v1")) {
      try Command.Operation(type: "rollcall.command.levitate.v1", data: [])
    }
    #expect(throws: MessageError.newerVersion("rollcall.sign-in.v10", known: 1)) { try SignIn(Self.message("rollcall.sign-in.v10")) }
    #expect("\(MessageError.newerVersion("rollcall.sign-in.v2", known: 1))".contains("upgrade the service"))
  }

  @Test(
    "Types without a version, or with an older one than the known versions, are unknown",
    arguments: ["rollcall.sign-in", "rollcall.sign-in.v0", "rollcall.sign-in.vx", "rollcall.sign-in.v1", ""])
  func unversioned(type: String) {
    #expect(MessageError.unreadable(type, known: ["rollcall.sign-in.v2"]) == .unknownType(type))
  }
}
