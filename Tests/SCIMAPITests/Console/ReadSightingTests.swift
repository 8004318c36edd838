import Foundation
import Models
import Testing

@testable import AdminConsole
@testable import EdgeHTTP
@testable import EdgeReads
@testable import ProductAPI
@testable import SCIMControllers
@testable import ScimAPI

@Suite("Reads that the provisioning log is to have")
struct ReadSightingTests {
  private let now = Date(timeIntervalSince1970: 1_767_225_600)
  private let token = TokenID.made(at: Date())

  @Test("are the first of each sender of a token, and one a minute while it goes on")
  func pace() {
    let sightings = ReadSampler()
    #expect(sightings.isDue(token, from: "Okta", at: now))
    for second in 1..<60 { #expect(!sightings.isDue(token, from: "Okta", at: now + Double(second))) }
    // Somebody with curl does not hide the identity provider, and neither hides another token's.
    #expect(sightings.isDue(token, from: "curl", at: now + 30))
    #expect(sightings.isDue(token, from: nil, at: now + 30))
    #expect(sightings.isDue(.made(at: now), from: "Okta", at: now + 30))
    #expect(sightings.isDue(token, from: "Okta", at: now + 60))
    #expect(!sightings.isDue(token, from: "Okta", at: now + 61))
  }

  @Test("are few, however many names a sender gives itself")
  func senders() {
    let sightings = ReadSampler()
    let picked = (0..<1000).count { sightings.isDue(token, from: "agent \($0)", at: now + Double($0) / 100) }
    #expect(picked == ReadSampler.maximumSenders)
    #expect(sightings.isDue(token, from: "agent of the next minute", at: now + 75))
  }

  @Test("are remembered for so many tokens and no more")
  func bound() {
    let sightings = ReadSampler(maximumTokens: 10)
    for _ in 0..<100 { #expect(sightings.isDue(.made(at: now), from: nil, at: now)) }
    #expect(sightings.isDue(token, from: nil, at: now))
    #expect(!sightings.isDue(token, from: nil, at: now + 1))
  }
}
