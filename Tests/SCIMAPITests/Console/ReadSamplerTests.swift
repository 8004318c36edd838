import Foundation
import Models
import Testing

@testable import AdminConsole
@testable import EdgeHTTP
@testable import EdgeReads
@testable import ProductAPI
@testable import SCIMControllers
@testable import ScimAPI

@Suite("Sampling of reads for the provisioning log")
struct ReadSamplerTests {
  private let now = Date(timeIntervalSince1970: 1_767_225_600)
  private let token = TokenID.made(at: Date())

  @Test("The first read of each sender of a token is logged, then one per minute")
  func pace() {
    let sampler = ReadSampler()
    #expect(sampler.isDue(token, from: "Okta", at: now))
    for second in 1..<60 { #expect(!sampler.isDue(token, from: "Okta", at: now + Double(second))) }
    // Other senders and tokens are sampled separately.
    #expect(sampler.isDue(token, from: "curl", at: now + 30))
    #expect(sampler.isDue(token, from: nil, at: now + 30))
    #expect(sampler.isDue(.made(at: now), from: "Okta", at: now + 30))
    #expect(sampler.isDue(token, from: "Okta", at: now + 60))
    #expect(!sampler.isDue(token, from: "Okta", at: now + 61))
  }

  @Test("The number of logged reads is bounded even if a sender changes its user agent")
  func senders() {
    let sampler = ReadSampler()
    let picked = (0..<1000).count { sampler.isDue(token, from: "agent \($0)", at: now + Double($0) / 100) }
    #expect(picked == ReadSampler.maximumSenders)
    #expect(sampler.isDue(token, from: "agent of the next minute", at: now + 75))
  }

  @Test("The number of remembered tokens is bounded")
  func bound() {
    let sampler = ReadSampler(maximumTokens: 10)
    for _ in 0..<100 { #expect(sampler.isDue(.made(at: now), from: nil, at: now)) }
    #expect(sampler.isDue(token, from: nil, at: now))
    #expect(!sampler.isDue(token, from: nil, at: now + 1))
  }
}
