import Testing

@testable import Kafka

@Suite("The pace of fetches")
struct FetchPaceTests {
  @Test("Empty answers that come at once are paused after, longer after many and never for long; a message ends it")
  func empty() {
    let pace = FetchPace()
    #expect(pace.pause(asked: 400, answered: 544) == .zero)
    let pauses = (0..<100).map { _ in pace.pause(asked: 400, answered: 544) }
    #expect(pauses.first == .milliseconds(1))
    #expect(pauses == pauses.sorted())
    #expect(pauses.last == .milliseconds(5))
    #expect(pace.pause(asked: 400, answered: 1800) == .zero)
    #expect(pace.pause(asked: 400, answered: 544) == .milliseconds(1))
  }

  @Test("Three topics, of which one or the other stands in the fetch twice, are paused after likewise")
  func sizes() {
    let pace = FetchPace()
    let pairs = [(395, 600), (395, 600), (374, 560), (391, 596), (391, 596), (374, 560), (394, 599), (394, 599), (374, 560)]
    let pauses = (0..<99).map { pace.pause(asked: pairs[$0 % 9].0, answered: pairs[$0 % 9].1) }
    #expect(pauses.dropFirst(9).allSatisfy { $0 > .zero })
    #expect(pauses.last == .milliseconds(5))
  }

  @Test("Messages that come one at a time are not held up, though each is as large as the last, nor is it learned from one")
  func steady() {
    let pace = FetchPace()
    #expect(pace.pause(asked: 400, answered: 1800) == .zero)
    for _ in 0..<20 {
      for _ in 0..<3 { _ = pace.pause(asked: 400, answered: 544) }
      #expect(pace.pause(asked: 400, answered: 1800) == .zero)
    }
  }

  @Test("Each broker's answers are held against what that one was asked")
  func brokers() {
    let pace = FetchPace()
    for _ in 0..<2 {
      pace.sent(400, to: 1)
      pace.sent(200, to: 2)
      _ = pace.pause(afterAnswerOf: 544, from: 1, in: .microseconds(80))
      _ = pace.pause(afterAnswerOf: 300, from: 2, in: .microseconds(80))
    }
    pace.sent(200, to: 2)
    #expect(pace.pause(afterAnswerOf: 544, from: 2, in: .microseconds(80)) == .zero)
  }

  @Test("Where nobody waits for the messages, each small answer is paused after, whatever is in it, and a large one is not")
  func interval() {
    let pace = FetchPace(interval: .milliseconds(100))
    let pauses = [544, 1800, 544, 65_536, 1800].map { pace.pause(asked: 400, answered: $0, in: .milliseconds(500)) }
    #expect(pauses == [.milliseconds(100), .milliseconds(100), .milliseconds(100), .zero, .milliseconds(100)])
  }

  @Test("A broker that waits for messages, as Kafka does, is asked again at once")
  func patient() {
    let pace = FetchPace()
    for _ in 0..<10 { #expect(pace.pause(asked: 400, answered: 544, in: .milliseconds(500)) == .zero) }
  }
}

extension FetchPace {
  fileprivate func pause(asked: Int, answered: Int, in time: Duration = .microseconds(80)) -> Duration {
    sent(asked, to: 1)
    return pause(afterAnswerOf: answered, from: 1, in: time)
  }
}
