import Models
import TestSupport
import Testing

@testable import group_sync

@Suite("Events of many people and groups")
struct ArrivalTests {
  @Test("come to the same directory in whatever order and however often they arrive", arguments: UInt64(0)..<300)
  func anyOrder(_ seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let history = History(people: 6, groups: 4, changes: 8, using: &generator)
    var decider = Decider(Directory())
    for event in history.arrival(using: &generator) { decider.decide(event) }

    var product = Product()
    for told in decider.told { product.hear(told.event) }
    #expect(product.surprises == [])
    #expect(product.shown == history.shown)
    #expect(product.groupNames == history.groupNames)
    #expect(Set(decider.told.map(\.id)).count == decider.told.count, "every change has an id of its own")
  }
}
