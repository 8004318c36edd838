import Foundation
import Models
import Testing

@Suite("Replies")
struct ReplyTests {
  private static let time = Date(timeIntervalSince1970: 1_767_225_600.5)
  private static let resource = StoredResource(
    id: .made(at: time), version: 7, modifiedAt: time, document: Array(#"{"userName":"ana","meta":{"#.utf8))

  private static func relinked(_ relink: Relink) -> StoredResource {
    var resource = resource
    resource.relink = relink
    return resource
  }

  /// A resource with unapplied attributes.
  private static var partly: StoredResource {
    var partly = resource
    partly.unapplied = Array(#"[{"path":"title","detail":"Zoë \"\\n\""}]"#.utf8)
    return partly
  }

  @Test(
    "Every outcome round-trips through an event, and through its stored form",
    arguments: [
      .resource(resource, created: true), .resource(resource, created: false), .resource(partly, created: false), .done,
      .signIn(.promoted, user: resource.id.user), .signIn(.remembered), .signIn(.unknownUser),
      .resource(relinked(.samePerson), created: true), .resource(relinked(.reassigned), created: true),
      .refused(status: 409, error: Array(#"{"status":"409"}"#.utf8)), .refused(status: 500, error: []),
      .bulk([
        .written(resource.id, version: 7, created: true, relink: .reassigned), .written(resource.id, version: 8, created: false), .done,
        .written(resource.id, version: 9, created: false, unapplied: partly.unapplied),
        .refused(status: 409, error: Array("{\"detail\":\"Zoë \\\"\\\\ \t\n\u{1}\u{1F}\"}".utf8)), .refused(status: 500, error: []),
      ]), .bulk([]),
    ] as [Reply.Outcome])
  func roundTrip(outcome: Reply.Outcome) throws {
    let reply = Reply(command: .made(at: Self.time), outcome: outcome)
    let event = reply.cloudEvent(source: "identity-store/0", correlationID: "c-1", time: Self.time, traceparent: nil)
    let received = try CloudEvent(headers: event.headers, data: event.data)
    #expect(try Reply(received) == reply)
    #expect(received.extensions["correlationid"] == "c-1")
    let (attributes, data) = reply.encoded()
    #expect(try Reply(command: reply.command, attributes: attributes, data: data) == reply)
  }

  @Test(
    "The digest of the request round-trips with every outcome",
    arguments: [.done, .signIn(.promoted), .resource(resource, created: true), .refused(status: 409, error: [])] as [Reply.Outcome])
  func requestDigest(outcome: Reply.Outcome) throws {
    let reply = Reply(command: .made(at: Self.time), outcome: outcome, requestDigest: "0badcafe")
    let event = reply.cloudEvent(source: "identity-store/0", correlationID: "c-1", time: Self.time, traceparent: nil)
    #expect(try Reply(CloudEvent(headers: event.headers, data: event.data)) == reply)
    let (attributes, data) = reply.recorded()
    #expect(try Reply(command: reply.command, attributes: attributes, data: data).requestDigest == "0badcafe")
    #expect(reply.completed(with: Self.resource).requestDigest == "0badcafe")
  }

  @Test("A recorded reply lacks only the document, and gets document and version from the present resource")
  func recorded() throws {
    let reply = Reply(command: .made(at: Self.time), outcome: .resource(Self.partly, created: true))
    let (attributes, data) = reply.recorded()
    #expect(attributes == reply.encoded().attributes && data.isEmpty)
    let recorded = try Reply(command: reply.command, attributes: attributes, data: data)
    #expect(recorded.resourceWithoutDocument == Self.resource.id && reply.resourceWithoutDocument == nil)
    var present = Self.resource
    present.version = 9
    let completed = recorded.completed(with: present)
    present.unapplied = Self.partly.unapplied
    #expect(completed == Reply(command: reply.command, outcome: .resource(present, created: true)))

    let refused = Reply(command: .made(at: Self.time), outcome: .refused(status: 409, error: Array("{}".utf8)))
    #expect(refused.recorded().data == Array("{}".utf8) && refused.resourceWithoutDocument == nil)
    #expect(refused.completed(with: present) == refused)
  }

  @Test(
    "A reply with a missing attribute is rejected, and the error names it",
    arguments: [
      ([:], MessageError.missing(attribute: "status")), (["status": "fine"], .malformed(attribute: "status", value: "fine")),
      (["status": "200"], .missing(attribute: "resourceid")),
      (
        ["status": "201", "resourceid": "1", "resourceversion": "1", "resourcemodified": "2026-01-01T00:00:00Z"],
        .malformed(attribute: "resourceid", value: "1")
      ),
    ] as [([String: String], MessageError)])
  func malformed(attributes: [String: String], expected: MessageError) {
    let error = #expect(throws: MessageError.self) { try Reply(command: .made(at: Self.time), attributes: attributes, data: []) }
    #expect(error == expected)
  }

  @Test("A message that is not a reply is rejected")
  func otherType() {
    let event = CloudEvent(id: "1", source: "s", type: "other", subject: "s", time: Self.time, data: [])
    #expect(throws: MessageError.unknownType("other")) { try Reply(event) }
  }
}
