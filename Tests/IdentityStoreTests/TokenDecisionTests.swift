import Foundation
import Models
import Testing

@testable import IdentityStore

@Suite("Decisions on tokens and OAuth clients")
struct TokenDecisionTests {
  private static let digests = ["a", "b", "c", "d"].map { String(repeating: $0, count: 64) }

  private func issue(
    _ bench: inout Bench, _ kind: TokenKind = .token, digest: String = digests[0], expiresAt: Date? = nil
  ) -> TokenID {
    let id = TokenID(bench.id().uuid)
    let grant = TokenGrant(token: id, kind: kind, name: "Okta", scopes: [.scim, .signIns], digest: digest, expiresAt: expiresAt)
    #expect(bench.decide(.issueToken(grant), on: Bench.workspace.resource).status == 204)
    return id
  }

  private func token(_ id: TokenID, _ bench: Bench) -> TokenRecord? {
    bench.decider.state.tokens[ResourceKey(workspace: Bench.workspace, id: id.resource)]
  }

  private func rotation(_ bench: inout Bench, _ id: TokenID, digest: String = digests[1], retiresAt: Date? = nil) -> TokenRotation {
    TokenRotation(token: id, successor: TokenID(bench.id().uuid), digest: digest, retiresAt: retiresAt, expiresAt: nil)
  }

  @Test("A name with U+0000 is refused, since the database would refuse the whole batch for it", arguments: ["\0", "Ok\0ta", "Okta\0"])
  func nullCharacter(name: String) {
    var bench = Bench()
    let grant = TokenGrant(token: TokenID(bench.id().uuid), name: name, scopes: [.scim], digest: Self.digests[0], expiresAt: nil)
    let outcome = bench.decide(.issueToken(grant), on: Bench.workspace.resource)
    #expect(outcome.status == 400 && outcome.error.contains("U+0000"))
  }

  @Test("A rotated token stays valid beside its successor, which has its name and scopes")
  func rotate() throws {
    var bench = Bench()
    let first = issue(&bench)
    let rotation = rotation(&bench, first)
    #expect(bench.decide(.rotateToken(rotation), on: Bench.workspace.resource).status == 204)
    let successor = try #require(token(rotation.successor, bench))
    #expect(successor.name == "Okta" && successor.scopes == [.scim, .signIns] && successor.predecessor == first)
    #expect(successor.isValid(at: Bench.start) && token(first, bench)?.isValid(at: Bench.start + 1e9) == true)
    // A third token is refused.
    let again = self.rotation(&bench, first, digest: Self.digests[2])
    let outcome = bench.decide(.rotateToken(again), on: Bench.workspace.resource)
    #expect(outcome.status == 409)
    #expect(outcome.error.contains("\(rotation.successor)"))
    // A successor can be rotated, too.
    let next = self.rotation(&bench, rotation.successor, digest: Self.digests[2])
    #expect(bench.decide(.rotateToken(next), on: Bench.workspace.resource).status == 204)
    bench.decide(.revokeToken(TokenRevocation(token: rotation.successor)), on: Bench.workspace.resource)
    #expect(bench.decide(.rotateToken(self.rotation(&bench, first, digest: Self.digests[3])), on: Bench.workspace.resource).status == 204)
  }

  @Test("A grace period limits the old token, and never extends it")
  func grace() {
    var bench = Bench()
    let (open, short) = (issue(&bench), issue(&bench, expiresAt: Bench.start + 60))
    for id in [open, short] {
      let rotation = rotation(&bench, id, retiresAt: Bench.start + 3600)
      #expect(bench.decide(.rotateToken(rotation), on: Bench.workspace.resource).status == 204)
    }
    #expect(token(open, bench)?.expiresAt == Bench.start + 3600)
    #expect(token(short, bench)?.expiresAt == Bench.start + 60)
  }

  @Test("An unknown or invalid token, or one of another kind, is not rotated")
  func unfit() {
    var bench = Bench()
    let (revoked, expired, client, good) = (issue(&bench), issue(&bench, expiresAt: Bench.start), issue(&bench, .client), issue(&bench))
    bench.decide(.revokeToken(TokenRevocation(token: revoked)), on: Bench.workspace.resource)
    for (id, status, mention) in [
      (revoked, 400, "revoked"), (expired, 400, "expired"), (client, 400, "OAuth client"),
      (TokenID.made(at: Bench.start), 404, "token list"),
    ] {
      let outcome = bench.decide(.rotateToken(rotation(&bench, id)), on: Bench.workspace.resource)
      #expect(outcome.status == status)
      #expect(outcome.error.contains(mention), "\(outcome.error)")
    }
    let secret = SecretRotation(client: good, digest: Self.digests[1], formerUntil: nil)
    #expect(bench.decide(.rotateSecret(secret), on: Bench.workspace.resource).status == 400)
    #expect(bench.decide(.rotateToken(rotation(&bench, good, digest: "abc")), on: Bench.workspace.resource).status == 400)
  }

  @Test("The former secret of a client is kept for its time, and no longer than one rotation")
  func secrets() {
    var bench = Bench()
    let client = issue(&bench, .client)
    let until = Bench.start + 86_400
    bench.decide(.rotateSecret(.init(client: client, digest: Self.digests[1], formerUntil: until)), on: Bench.workspace.resource)
    #expect(token(client, bench)?.digest == [UInt8](repeating: 0xBB, count: 32))
    #expect(token(client, bench)?.former == .init(digest: [UInt8](repeating: 0xAA, count: 32), until: until))
    bench.decide(.rotateSecret(.init(client: client, digest: Self.digests[2], formerUntil: nil)), on: Bench.workspace.resource)
    #expect(token(client, bench)?.digest == [UInt8](repeating: 0xCC, count: 32))
    #expect(token(client, bench)?.former == nil)
  }

  @Test("Uses of existing tokens are counted, for a bounded number of addresses a day")
  func uses() {
    var bench = Bench()
    let id = issue(&bench)
    let gone = TokenID.made(at: Bench.start)
    let many = (0..<60).map { TokenUses.Use(token: id, address: "192.0.2.\($0)", count: 2, lastUsedAt: Bench.start) }
    let next = [
      TokenUses.Use(token: id, address: "192.0.2.0", count: 3, lastUsedAt: Bench.start + 5),
      TokenUses.Use(token: id, address: "192.0.2.59", count: 1, lastUsedAt: Bench.start + 86_400),
      TokenUses.Use(token: gone, address: "192.0.2.0", count: 1, lastUsedAt: Bench.start),
      TokenUses.Use(token: id, address: String(repeating: "x", count: 100), count: 1, lastUsedAt: Bench.start),
    ]
    for uses in [many, next] {
      #expect(bench.decide(.recordTokenUses(TokenUses(uses: uses)), on: Bench.workspace.resource).status == 204)
    }
    let key = ResourceKey(workspace: Bench.workspace, id: id.resource)
    let counted = bench.decider.state.changes.tokenUses
    #expect(counted.count == 2)
    let day = counted[TokenDay(token: key, at: Bench.start)] ?? [:]
    #expect(day.count == TokenUses.maximumAddresses + 1)
    #expect(day["192.0.2.0"] == .init(count: 5, lastUsedAt: Bench.start + 5))
    #expect(day[""] == .init(count: 21, lastUsedAt: Bench.start))
    #expect(counted[TokenDay(token: key, at: Bench.start + 86_400)]?.keys.sorted() == ["192.0.2.59"])
    #expect(bench.decider.events.isEmpty)
  }
}
