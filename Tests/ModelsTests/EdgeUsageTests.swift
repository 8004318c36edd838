import Foundation
import Models
import Testing

@Suite("Usage of edges")
struct EdgeUsageTests {
  private static let time = Date(timeIntervalSince1970: 1_767_225_600)
  private static let usage: EdgeUsage = {
    var usage = EdgeUsage(edge: .made(at: time), process: "web-1 scim-api/0", sequence: 7)
    usage.counts.workspaces = [.made(at: time): 3, .made(at: time): 1_000_000]
    usage.counts.tokens = [.made(at: time): 2]
    usage.counts.deploymentTokens = [.made(at: time): 1]
    return usage
  }()

  @Test("Usage is read as it was sent, and so is an announcement")
  func roundTrip() throws {
    let message = try Self.usage.cloudEvent(source: "scim-api/0", time: Self.time)
    #expect(message.subject == "\(Self.usage.edge)")
    let read = try EdgeUsage(message)
    #expect(read == Self.usage)
    let announcement = EdgeUsage(edge: Self.usage.edge, process: Self.usage.process, sequence: 1, isLeaving: true)
    let announced = try announcement.cloudEvent(source: "scim-api/0", time: Self.time)
    #expect(announced.data.count < 150)
    let readAnnouncement = try EdgeUsage(announced)
    #expect(readAnnouncement == announcement)
  }

  @Test(
    "Usage with a malformed id, with a number that is not positive, or of another version is rejected",
    arguments: [
      #""workspaces":{"acme":1}"#, #""tokens":{"01997b5d-0000-7000-8000-000000000001":0}"#,
      #""deploymentTokens":{"01997b5d-0000-7000-8000-000000000001":-5}"#, #""tokens":{"01997b5d-0000-7000-8000-000000000001":2000000000}"#,
    ])
  func malformed(counts: String) throws {
    var message = try Self.usage.cloudEvent(source: "scim-api/0", time: Self.time)
    message.data = Array(#"{"edge":"\#(Self.usage.edge)","process":"p","sequence":1,\#(counts)}"#.utf8)
    #expect(throws: MessageError.self) { try EdgeUsage(message) }
    message.type = "rollcall.edge.usage.v2"
    #expect(throws: MessageError.newerVersion("rollcall.edge.usage.v2", known: 1)) { try EdgeUsage(message) }
  }

  @Test("Counts are taken in parts, without losing or repeating one, and a message of the largest part is below its limit")
  func parts() throws {
    var counts = EdgeUsage.Counts()
    for number in 1...EdgeUsage.maximumCounters {
      counts.workspaces[.made(at: Self.time)] = number
      counts.tokens[.made(at: Self.time)] = 1_000_000
      if number % 100 == 0 { counts.deploymentTokens[.made(at: Self.time)] = number }
    }
    let all = counts
    var (workspaces, tokens, deploymentTokens) = (0, 0, 0)
    while !counts.isEmpty {
      let part = counts.take(atMost: EdgeUsage.maximumCounters)
      try #require(!part.isEmpty && part.size <= EdgeUsage.maximumCounters)
      var usage = Self.usage
      usage.counts = part
      let message = try usage.cloudEvent(source: "scim-api/0", time: Self.time)
      #expect(message.data.count < Topic.edgeUsage.maximumMessageBytes - 10_000)
      #expect(part.workspaces.allSatisfy { all.workspaces[$0.key] == $0.value })
      workspaces += part.workspaces.count
      tokens += part.tokens.count
      deploymentTokens += part.deploymentTokens.count
    }
    #expect(workspaces == all.workspaces.count && tokens == all.tokens.count && deploymentTokens == all.deploymentTokens.count)
  }
}
