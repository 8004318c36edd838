import Foundation
import Models
import Testing

@Suite("An event without its large fields")
struct LargeFieldTests {
  private static let time = Date(timeIntervalSince1970: 1_767_225_600.25)
  private static let workspace = WorkspaceID.made(at: time)
  private static let large = String(repeating: "é", count: 1 << 20)

  private static let events: [(IdentityEvent, omitted: String)] = [
    (
      .userChanged(
        UserChanged(
          workspace: workspace,
          user: UserSnapshot(
            id: .made(at: time), state: .invited, userName: large, displayName: "Ana", email: large, role: "editor", externalID: large,
            accountID: "1", title: large, department: "Research", manager: ManagerReference(value: large),
            attributes: ["urn:example:acme:2.0:User": .object(["note": .string(large)])]),
          change: .created, version: 1, changedAt: time)), "userName,email,externalId,title,manager,attributes"
    ),
    (
      .groupChanged(
        GroupChanged(
          workspace: workspace, group: .made(at: time), displayName: large, externalID: large, change: .updated, version: 2, part: 1,
          addedMembers: [.made(at: time)], removedMembers: [], changedAt: time)), "displayName,externalID"
    ),
    (
      .workspaceChanged(
        WorkspaceChanged(
          workspace: workspace,
          settings: WorkspaceSettings(
            slug: "acme", name: large, plan: .team, samlSSO: false, scimEnabled: true, signInURL: "https://acme.example",
            customRoles: [large]),
          version: 1, changedAt: time)), "name,customRoles"
    ),
    (
      .changeHeld(
        ChangeHeld(
          workspace: workspace, change: .made(at: time), kind: .userDeleted, resource: .made(at: time), name: large, leaving: 1,
          members: nil, heldAt: time)), "name"
    ),
    (
      .invitationOrdered(
        InvitationOrdered(
          id: .made(at: time), workspace: workspace, order: .setTemplate(InvitationTemplate(language: "de", html: large)),
          actor: "operator:eve", orderedAt: time)), "template"
    ),
  ]

  @Test("has the same id, type, subject and version, names the omitted fields, and is small", arguments: events.indices)
  func identity(_ index: Int) throws {
    let (event, omitted) = Self.events[index]
    let complete = try event.cloudEvent(id: event.identity, source: "identity-store/0", time: Self.time, traceparent: nil)
    let reduced = try #require(try complete.withoutLargeFields())
    #expect(reduced.data.count < 8192)
    #expect(reduced.extensions["omitted"] == omitted)
    #expect(
      reduced.id == complete.id && reduced.type == complete.type && reduced.subject == complete.subject && reduced.time == complete.time)
    #expect(try IdentityEvent(reduced).identity == event.identity)
    // A reduced event is not reduced again: nothing else can be omitted.
    #expect(try reduced.withoutLargeFields() == nil)
  }

  @Test("keeps members, roles and states")
  func content() throws {
    for (event, _) in Self.events {
      let complete = try event.cloudEvent(id: event.identity, source: "identity-store/0", time: Self.time, traceparent: nil)
      switch (event, try IdentityEvent(try #require(try complete.withoutLargeFields()))) {
      case (.userChanged(let complete), .userChanged(let reduced)):
        #expect(reduced.user.state == complete.user.state && reduced.user.displayName == "Ana" && reduced.user.role == "editor")
        #expect(reduced.user.email == nil && reduced.omits("email") && !reduced.omits("role"))
      case (.groupChanged(let complete), .groupChanged(let reduced)):
        #expect(reduced.addedMembers == complete.addedMembers && reduced.part == complete.part && reduced.displayName.hasSuffix("é…"))
      case (.workspaceChanged(let complete), .workspaceChanged(let reduced)):
        var previous = complete.settings
        previous.name = "Acme"
        #expect(reduced.settings.signInURL == complete.settings.signInURL)
        #expect(reduced.settings(after: previous) == previous)
        #expect(reduced.settings(after: nil).customRoles == [])
      default: break
      }
    }
  }

  @Test("exists for directory events too, but not for security events, which are signed")
  func others() throws {
    let group = DirectoryEvent(
      workspace: Self.workspace, id: "1", type: .groupUpdated, sequence: 7,
      group: .init(id: .made(at: Self.time), displayName: Self.large, version: 2),
      changes: ["displayName": .init(from: .string("Data team"), to: .string(Self.large))], changedAt: Self.time)
    #expect(try reduced(group).omitted == ["group.displayName", "changes.displayName"])
    #expect(try reduced(group).group?.version == 2 && reduced(group).sequence == 7)
    let attributes = ["urn:example:acme:2.0:User": JSONValue.object(["note": .string(Self.large)])]
    let member = DirectoryEvent(
      workspace: Self.workspace, id: "2", type: .memberUpdated, sequence: 8,
      member: DirectoryMember(
        id: .made(at: Self.time), userName: "ana", state: .active, title: Self.large, attributes: attributes, version: 3),
      changes: [
        "title": .init(from: .null, to: .string(Self.large)), "userName": .init(from: .string("eva"), to: .string("ana")),
      ], changedAt: Self.time)
    #expect(try reduced(member).omitted == ["member.title", "member.attributes", "changes.title"])
    #expect(try reduced(member).changes?.keys.sorted() == ["userName"])
    #expect(try reduced(member).member?.userName == "ana")
    // Very many small changes are omitted together.
    var many = member
    many.changes = Dictionary(
      uniqueKeysWithValues: (0..<2000).map { ("urn:example:acme:2.0:User:a\($0)", .init(from: .null, to: .integer($0))) })
    #expect(try reduced(many).omitted == ["member.title", "member.attributes", "changes"])
    let signed = CloudEvent(
      id: "1", source: "group-sync/0", type: "rollcall.security-event.v1", subject: "ana", time: Self.time, data: Array(Self.large.utf8))
    #expect(try signed.withoutLargeFields() == nil)
  }

  private func reduced(_ event: DirectoryEvent) throws -> DirectoryEvent {
    let complete = try event.cloudEvent(source: "group-sync/0", traceparent: nil)
    return try DirectoryEvent(try #require(try complete.withoutLargeFields()))
  }
}
