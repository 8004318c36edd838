import Foundation
import Testing

@testable import Kafka

@Suite("The progress of a consumer")
struct ConsumerProgressTests {
  private let progress = ConsumerProgress(group: "progress", recorded: [:])
  private let first = TopicPartition(topic: "work", partition: 0)
  private let second = TopicPartition(topic: "work", partition: 1)

  private func start(_ offset: Int64, at seconds: TimeInterval) -> ConsumerProgress.BatchStart {
    ConsumerProgress.BatchStart(offset: offset, timestamp: Date(timeIntervalSince1970: seconds))
  }

  private var oldest: TimeInterval? { progress.oldest?.timeIntervalSince1970 }

  @Test("The oldest message is the first one of the oldest batch that is not committed, over all partitions")
  func oldestMessage() {
    #expect(oldest == nil)
    progress.recordStart([first: start(10, at: 100), second: start(5, at: 90)])
    progress.recordStart([first: start(20, at: 200)])
    #expect(oldest == 90)
    progress.recordCommit([(second, offset: 9)])
    #expect(oldest == 100)
    progress.recordCommit([(first, offset: 20)])
    #expect(oldest == 200)
    progress.recordCommit([(first, offset: 30)])
    #expect(oldest == nil)
  }

  @Test("One commit may be for several batches")
  func severalBatches() {
    progress.recordStart([first: start(10, at: 100)])
    progress.recordStart([first: start(20, at: 200)])
    progress.recordCommit([(first, offset: 25)])
    #expect(oldest == nil)
  }

  @Test("Messages before a gap are no longer waited for")
  func gap() {
    progress.recordStart([first: start(10, at: 100), second: start(5, at: 300)])
    progress.restart(first, at: 50)
    #expect(oldest == 300)
  }

  @Test("Messages without a timestamp have no age")
  func withoutTimestamp() {
    progress.recordStart([first: ConsumerProgress.BatchStart(offset: 1, timestamp: nil)])
    #expect(oldest == nil)
  }
}
