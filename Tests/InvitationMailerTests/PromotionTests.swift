import Kafka
import Models
import Testing

@testable import InvitationMailer

@Suite("A sign-in as a command")
struct PromotionTests {
  private func promotion(
    _ signIn: SignIn, id: String = "sign-in-1", source: String = "product/auth", traceparent: String? = nil
  ) throws -> Command {
    ReceivedSignIn(signIn, of: try signIn.event(id: id, source: source, traceparent: traceparent)).promotion
  }

  @Test func `asks for a promotion in the mailer's name, and for no reply`() throws {
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

  @Test func `is the same command whenever the event is delivered, and another for another event`() throws {
    let command = try promotion(.sample())
    #expect(try promotion(.sample()) == command)
    #expect(try promotion(.sample(), id: "sign-in-2").id != command.id)
    #expect(try promotion(.sample(), source: "other").id != command.id)
  }

  @Test func `is about the user where one is named, else about the address in its workspace`() throws {
    #expect(try promotion(.sample(user: .ana)).resource == UserID.ana.resource)
    let byAddress = try promotion(.sample()).resource
    #expect(try promotion(.sample(email: "ana@example.com"), id: "sign-in-2").resource == byAddress)
    #expect(try promotion(.sample(email: "ben@example.com")).resource != byAddress)
    var elsewhere = SignIn.sample()
    elsewhere.workspace = WorkspaceID("01997b5d-0000-7000-8000-000000000002")!
    #expect(try promotion(elsewhere).resource != byAddress)
  }
}

@Suite("A batch of messages")
struct ReadBatchTests {
  @Test func `is read by kind, and what cannot be read is put aside with its reason`() throws {
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

  @Test func `does not take an identity event for a sign-in`() throws {
    let event = try IdentityEvent.workspace().cloudEvent(id: "1", source: "s", time: .sample, traceparent: nil)
    #expect(ReadBatch([Message(event, topic: .signInEvents)]).unreadable.count == 1)
  }
}
