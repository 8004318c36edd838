import Testing

@testable import Kafka

@Suite("The delay after empty fetches")
struct EmptyFetchDelayTests {
  @Test("Immediate empty responses are followed by a delay, a longer one after many; a message resets it")
  func empty() {
    let delay = EmptyFetchDelay()
    #expect(delay.delay(requested: 400, received: 544) == .zero)
    let delays = (0..<100).map { _ in delay.delay(requested: 400, received: 544) }
    #expect(delays.first == .milliseconds(1))
    #expect(delays == delays.sorted())
    #expect(delays.last == .milliseconds(5))
    #expect(delay.delay(requested: 400, received: 1800) == .zero)
    #expect(delay.delay(requested: 400, received: 544) == .milliseconds(1))
  }

  @Test("Fetches of three topics, some of which are named twice, are delayed, too")
  func sizes() {
    let delay = EmptyFetchDelay()
    let pairs = [(395, 600), (395, 600), (374, 560), (391, 596), (391, 596), (374, 560), (394, 599), (394, 599), (374, 560)]
    let delays = (0..<99).map { delay.delay(requested: pairs[$0 % 9].0, received: pairs[$0 % 9].1) }
    #expect(delays.dropFirst(9).allSatisfy { $0 > .zero })
    #expect(delays.last == .milliseconds(5))
  }

  @Test("Single messages of one size are not delayed, and do not change the size of an empty response")
  func steady() {
    let delay = EmptyFetchDelay()
    #expect(delay.delay(requested: 400, received: 1800) == .zero)
    for _ in 0..<20 {
      for _ in 0..<3 { _ = delay.delay(requested: 400, received: 544) }
      #expect(delay.delay(requested: 400, received: 1800) == .zero)
    }
  }

  @Test("The responses of each broker are compared with the requests to that broker")
  func brokers() {
    let delay = EmptyFetchDelay()
    for _ in 0..<2 {
      delay.recordRequest(400, to: 1)
      delay.recordRequest(200, to: 2)
      _ = delay.delay(afterResponseOf: 544, from: 1, in: .microseconds(80))
      _ = delay.delay(afterResponseOf: 300, from: 2, in: .microseconds(80))
    }
    delay.recordRequest(200, to: 2)
    #expect(delay.delay(afterResponseOf: 544, from: 2, in: .microseconds(80)) == .zero)
  }

  @Test("With a fetch interval, every small response is followed by a delay, and a large one is not")
  func interval() {
    let delay = EmptyFetchDelay(interval: .milliseconds(100))
    let delays = [544, 1800, 544, 65_536, 1800].map { delay.delay(requested: 400, received: $0, in: .milliseconds(500)) }
    #expect(delays == [.milliseconds(100), .milliseconds(100), .milliseconds(100), .zero, .milliseconds(100)])
  }

  @Test("A consumer that is idle for seconds fetches less often, until a message arrives")
  func idle() {
    let delay = EmptyFetchDelay()
    let delays = (0..<600).map { _ in delay.delay(requested: 400, received: 544) }
    #expect(delays == delays.sorted())
    #expect(delays.last == .milliseconds(15))
    #expect(delay.delay(requested: 400, received: 1800) == .zero)
    #expect(delay.delay(requested: 400, received: 544) == .milliseconds(1))

    let gathering = EmptyFetchDelay(interval: .milliseconds(20))
    let intervals = (0..<100).map { _ in gathering.delay(requested: 400, received: 544) }
    #expect(intervals.first == .milliseconds(20))
    #expect(intervals.last == .milliseconds(50))
    #expect(gathering.delay(requested: 400, received: 1800) == .milliseconds(20))
  }

  @Test("The size that ends an interval early can be set")
  func largeResponses() {
    let delay = EmptyFetchDelay(interval: .milliseconds(250), largeResponse: 100_000)
    let delays = [65_536, 100_000].map { delay.delay(requested: 400, received: $0) }
    #expect(delays == [.milliseconds(250), .zero])
  }

  @Test("After a long poll, as with Apache Kafka, there is no delay")
  func longPoll() {
    let delay = EmptyFetchDelay()
    for _ in 0..<10 { #expect(delay.delay(requested: 400, received: 544, in: .milliseconds(500)) == .zero) }
  }
}

extension EmptyFetchDelay {
  fileprivate func delay(requested: Int, received: Int, in time: Duration = .microseconds(80)) -> Duration {
    recordRequest(requested, to: 1)
    return delay(afterResponseOf: received, from: 1, in: time)
  }
}
