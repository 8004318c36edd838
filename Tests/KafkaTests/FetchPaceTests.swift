import Testing

@testable import Kafka

@Suite("The pace of fetches")
struct FetchPaceTests {
  @Test("Empty answers that come at once are paused after, ever longer and never for long; a message ends it")
  func empty() {
    let pace = FetchPace()
    #expect(pace.pause(afterAnswerOf: 544, in: .microseconds(80)) == .zero)
    var pauses = (0..<100).map { _ in pace.pause(afterAnswerOf: 544, in: .microseconds(80)) }
    #expect(pauses.first == .microseconds(200))
    #expect(pauses == pauses.sorted())
    #expect(pauses.last == .milliseconds(5))
    #expect(pace.pause(afterAnswerOf: 1800, in: .microseconds(300)) == .zero)
    #expect(pace.pause(afterAnswerOf: 544, in: .microseconds(80)) == .microseconds(200))
    // Two topics, of which one or the other or none stands in the fetch twice.
    pauses = (0..<30).map { pace.pause(afterAnswerOf: [300, 325, 325, 300, 320, 320][$0 % 6], in: .microseconds(80)) }
    #expect(pauses.suffix(24).allSatisfy { $0 > .zero })
    #expect(pauses.last == .milliseconds(5))
  }

  @Test("Messages that come one at a time are not held up, though each is as large as the last")
  func steady() {
    let pace = FetchPace()
    for _ in 0..<20 {
      for _ in 0..<8 { _ = pace.pause(afterAnswerOf: 544, in: .microseconds(80)) }
      #expect(pace.pause(afterAnswerOf: 1800, in: .microseconds(80)) == .zero)
    }
  }

  @Test("A broker that waits for messages, as Kafka does, is asked again at once")
  func patient() {
    let pace = FetchPace()
    for _ in 0..<10 { #expect(pace.pause(afterAnswerOf: 544, in: .milliseconds(500)) == .zero) }
  }
}
