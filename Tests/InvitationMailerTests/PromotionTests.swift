import Kafka
import Models
import Testing

@testable import InvitationMailer

@Suite("Promotions")
struct PromotionTests {
  private func promotion(
    _ signIn: SignIn, id: String = "sign-in-1", source: String = "product/auth", traceparent: String? = nil
  ) throws -> Command {
    ReceivedSignIn(signIn, of: try signIn.event(id: id, source: source, traceparent: traceparent)).promotion
  }

  @Test func `are requested in the mailer's name, without a reply`() throws {
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    let command = try promotion(.sample(), traceparent: trace)
    #expect(command.operation == .promoteUser(.sample()))
    #expect(command.workspace == .acme)
    #expect(command.actor.rawValue == "service:invitation-mailer")
    #expect(command.traceparent == trace)
    #expect(command.replyTo == nil)
    #expect(command.deadline == nil)
    #expect(try Command(command.cloudEvent(source: "invitation-mailer/0")) == command)
  }

  @Test func `have the same command id for every delivery of an event, and another for another event`() throws {
    let command = try promotion(.sample())
    #expect(try promotion(.sample()) == command)
    #expect(try promotion(.sample(), id: "sign-in-2").id != command.id)
    #expect(try promotion(.sample(), source: "other").id != command.id)
  }

  @Test func `identify the user by id if the event has one, else by address`() throws {
    #expect(try promotion(.sample(user: .ana)).resource == UserID.ana.resource)
    let byAddress = try promotion(.sample()).resource
    #expect(try promotion(.sample(email: "ana@example.com"), id: "sign-in-2").resource == byAddress)
    #expect(try promotion(.sample(email: "ben@example.com")).resource != byAddress)
    var elsewhere = SignIn.sample()
    elsewhere.workspace = WorkspaceID("01997b5d-0000-7000-8000-000000000002")!
    #expect(try promotion(elsewhere).resource != byAddress)
  }
}

@Suite("Parsing a batch")
struct ReadBatchTests {
  @Test func `sorts messages by kind, and returns invalid ones with the reason`() throws {
    var broken = try IdentityEvent.workspace().message()
    broken.value = Array("{".utf8)
    var headless = try IdentityEvent.workspace().message()
    headless.headers = []
    var unknown = try IdentityEvent.workspace().message()
    unknown.headers = unknown.headers.map { $0.name == "ce_type" ? ($0.name, "rollcall.new.v1") : $0 }
    let batch = ReadBatch([
      try IdentityEvent.workspace().message(), broken, Message(try SignIn.sample().event(), topic: .signInEvents), headless, unknown,
      try IdentityEvent.user(.ana, .created, .invited, version: 1).message(),
    ])
    #expect(batch.changes.map(\.event.identity) == ["\(WorkspaceID.acme)/1", "\(UserID.ana)/1"])
    #expect(batch.signIns.map(\.signIn) == [.sample()])
    #expect(batch.unreadable.count == 3)
    #expect(batch.unreadable[1].error == .missing(attribute: "specversion"))
    #expect(batch.unreadable[2].error == .unknownType("rollcall.new.v1"))
  }

  @Test func `does not parse an identity event as a sign-in`() throws {
    let event = try IdentityEvent.workspace().cloudEvent(id: "1", source: "s", time: .sample, traceparent: nil)
    #expect(ReadBatch([Message(event, topic: .signInEvents)]).unreadable.count == 1)
  }
}
