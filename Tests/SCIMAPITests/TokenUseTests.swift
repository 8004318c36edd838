import Foundation
import Logging
import Models
import Testing

@testable import AdminConsole
@testable import EdgeHTTP
@testable import EdgeReads
@testable import ProductAPI
@testable import SCIMControllers
@testable import ScimAPI

@Suite("Token uses")
struct TokenUseTests {
  private let now = Date(timeIntervalSince1970: 1_767_225_600)
  private let workspace = WorkspaceID.made(at: Date())
  private let token = TokenID.made(at: Date())

  @Test("Uses are counted by token, day and address, and reset when taken")
  func counting() {
    var counts = TokenUseCounts()
    counts.record(token, of: workspace, from: "192.0.2.1", at: now - 1)
    for second in 0..<3 { counts.record(token, of: workspace, from: "192.0.2.1", at: now + Double(second)) }
    counts.record(token, of: workspace, from: "192.0.2.2", at: now)
    let taken = counts.take()
    #expect(taken.map(\.workspace) == [workspace])
    #expect(
      Set(taken.flatMap(\.uses.uses)) == [
        .init(token: token, address: "192.0.2.1", count: 1, lastUsedAt: now - 1),
        .init(token: token, address: "192.0.2.1", count: 3, lastUsedAt: now + 2),
        .init(token: token, address: "192.0.2.2", count: 1, lastUsedAt: now),
      ])
    #expect(counts.take().isEmpty)
  }

  @Test("Addresses beyond the maximum are counted together")
  func bound() {
    var counts = TokenUseCounts()
    for number in 0..<1000 { counts.record(token, of: workspace, from: "192.0.2.\(number)", at: now) }
    counts.record(token, of: workspace, from: "192.0.2.0", at: now)
    let uses = counts.take().flatMap(\.uses.uses)
    #expect(uses.count == TokenUses.maximumAddresses + 1)
    #expect(uses.first { $0.address == "192.0.2.0" }?.count == 2)
    #expect(uses.first { $0.address.isEmpty }?.count == Int64(1000 - TokenUses.maximumAddresses))
  }

  @Test("Uses that could not be sent are sent again with the same command id, and none is sent twice")
  func resending() async throws {
    let builder = EdgeBuilder()
    let caller = try builder.record.authorized(for: .scim, at: now)
    let sent = Journal<Command>()
    let producer = ClosureProducer { messages in
      for message in messages { sent.record(try Command(CloudEvent(headers: message.headers, data: message.value))) }
      if sent.entries.count == 1 { throw URLError(.timedOut) }
    }
    let log = TokenUseLog(
      interval: .seconds(60), source: "scim-api/0", producer: producer, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    log.record(caller, from: "192.0.2.1", at: now)
    await log.send(at: now)
    log.record(caller, from: nil, at: now)
    await log.send(at: now + 10)
    await log.send(at: now + 20)
    let commands = sent.entries
    #expect(commands.count == 3)
    #expect(commands[0] == commands[1])
    #expect(commands[0].workspace == builder.workspace)
    #expect(commands[0].replyTo == nil && commands[0].deadline == nil)
    #expect(commands[0].actor == .service("scim-api"))
    let uses = [commands[1], commands[2]].map { command -> [TokenUses.Use] in
      if case .recordTokenUses(let uses) = command.operation { uses.uses } else { [] }
    }
    #expect(uses[0] == [.init(token: builder.tokenID, address: "192.0.2.1", count: 1, lastUsedAt: now)])
    #expect(uses[1] == [.init(token: builder.tokenID, address: "", count: 1, lastUsedAt: now)])
  }
}
