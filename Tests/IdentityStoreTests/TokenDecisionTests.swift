import Foundation
import Models
import Testing

@testable import IdentityStore

@Suite("Decisions on tokens and OAuth clients")
struct TokenDecisionTests {
  private static let digests = ["a", "b", "c", "d"].map { String(repeating: $0, count: 64) }

  private func issue(
    _ fixture: inout Fixture, _ kind: TokenKind = .token, digest: String = digests[0], expiresAt: Date? = nil
  ) -> TokenID {
    let id = TokenID(fixture.id().uuid)
    let grant = TokenGrant(token: id, kind: kind, name: "Okta", scopes: [.scim, .signIns], digest: digest, expiresAt: expiresAt)
    #expect(fixture.decide(.issueToken(grant), on: Fixture.workspace.resource).status == 204)
    return id
  }

  private func token(_ id: TokenID, _ fixture: Fixture) -> TokenRecord? {
    fixture.decider.state.tokens[ResourceKey(workspace: Fixture.workspace, id: id.resource)]
  }

  private func rotation(_ fixture: inout Fixture, _ id: TokenID, digest: String = digests[1], retiresAt: Date? = nil) -> TokenRotation {
    TokenRotation(token: id, successor: TokenID(fixture.id().uuid), digest: digest, retiresAt: retiresAt, expiresAt: nil)
  }

  @Test("A name with U+0000 is refused, since PostgreSQL would reject the whole batch", arguments: ["\0", "Ok\0ta", "Okta\0"])
  func nullCharacter(name: String) {
    var fixture = Fixture()
    let grant = TokenGrant(token: TokenID(fixture.id().uuid), name: name, scopes: [.scim], digest: Self.digests[0], expiresAt: nil)
    let outcome = fixture.decide(.issueToken(grant), on: Fixture.workspace.resource)
    #expect(outcome.status == 400 && outcome.error.contains("U+0000"))
  }

  @Test("A rotated token stays valid beside its successor, which has its name and scopes")
  func rotate() throws {
    var fixture = Fixture()
    let first = issue(&fixture)
    let rotation = rotation(&fixture, first)
    #expect(fixture.decide(.rotateToken(rotation), on: Fixture.workspace.resource).status == 204)
    let successor = try #require(token(rotation.successor, fixture))
    #expect(successor.name == "Okta" && successor.scopes == [.scim, .signIns] && successor.predecessor == first)
    #expect(successor.isValid(at: Fixture.start) && token(first, fixture)?.isValid(at: Fixture.start + 1e9) == true)
    // A third token is refused.
    let again = self.rotation(&fixture, first, digest: Self.digests[2])
    let outcome = fixture.decide(.rotateToken(again), on: Fixture.workspace.resource)
    #expect(outcome.status == 409)
    #expect(outcome.error.contains("\(rotation.successor)"))
    // A successor can be rotated, too.
    let next = self.rotation(&fixture, rotation.successor, digest: Self.digests[2])
    #expect(fixture.decide(.rotateToken(next), on: Fixture.workspace.resource).status == 204)
    fixture.decide(.revokeToken(TokenRevocation(token: rotation.successor)), on: Fixture.workspace.resource)
    #expect(
      fixture.decide(.rotateToken(self.rotation(&fixture, first, digest: Self.digests[3])), on: Fixture.workspace.resource).status == 204)
  }

  @Test("A grace period shortens the lifetime of the old token, and never extends it")
  func grace() {
    var fixture = Fixture()
    let (open, short) = (issue(&fixture), issue(&fixture, expiresAt: Fixture.start + 60))
    for id in [open, short] {
      let rotation = rotation(&fixture, id, retiresAt: Fixture.start + 3600)
      #expect(fixture.decide(.rotateToken(rotation), on: Fixture.workspace.resource).status == 204)
    }
    #expect(token(open, fixture)?.expiresAt == Fixture.start + 3600)
    #expect(token(short, fixture)?.expiresAt == Fixture.start + 60)
  }

  @Test("An unknown or invalid token, or one of another kind, is not rotated")
  func invalid() {
    var fixture = Fixture()
    let (revoked, expired, client, good) = (
      issue(&fixture), issue(&fixture, expiresAt: Fixture.start), issue(&fixture, .client), issue(&fixture)
    )
    fixture.decide(.revokeToken(TokenRevocation(token: revoked)), on: Fixture.workspace.resource)
    for (id, status, mention) in [
      (revoked, 400, "revoked"), (expired, 400, "expired"), (client, 400, "OAuth client"),
      (TokenID.made(at: Fixture.start), 404, "token list"),
    ] {
      let outcome = fixture.decide(.rotateToken(rotation(&fixture, id)), on: Fixture.workspace.resource)
      #expect(outcome.status == status)
      #expect(outcome.error.contains(mention), "\(outcome.error)")
    }
    let secret = SecretRotation(client: good, digest: Self.digests[1], formerUntil: nil)
    #expect(fixture.decide(.rotateSecret(secret), on: Fixture.workspace.resource).status == 400)
    #expect(fixture.decide(.rotateToken(rotation(&fixture, good, digest: "abc")), on: Fixture.workspace.resource).status == 400)
  }

  @Test("The former secret of a client is kept for its time, and no longer than one rotation")
  func secrets() {
    var fixture = Fixture()
    let client = issue(&fixture, .client)
    let until = Fixture.start + 86_400
    fixture.decide(.rotateSecret(.init(client: client, digest: Self.digests[1], formerUntil: until)), on: Fixture.workspace.resource)
    #expect(token(client, fixture)?.digest == [UInt8](repeating: 0xBB, count: 32))
    #expect(token(client, fixture)?.former == .init(digest: [UInt8](repeating: 0xAA, count: 32), until: until))
    fixture.decide(.rotateSecret(.init(client: client, digest: Self.digests[2], formerUntil: nil)), on: Fixture.workspace.resource)
    #expect(token(client, fixture)?.digest == [UInt8](repeating: 0xCC, count: 32))
    #expect(token(client, fixture)?.former == nil)
  }

  /// Decides a command of the deployment.
  private func decideForDeployment(_ fixture: inout Fixture, _ operation: Command.Operation) -> Reply.Outcome {
    var command = fixture.command(operation, on: WorkspaceID.deployment.resource)
    command.workspace = .deployment
    return fixture.decider.decide(ParsedCommand(command)).outcome
  }

  @Test("The deployment has tokens without a workspace: they are issued, rotated, counted and revoked")
  func deployment() throws {
    var fixture = Fixture()
    let id = TokenID(fixture.id().uuid)
    let grant = TokenGrant(
      token: id, name: "Product", scopes: TokenScope.deploymentWide, digest: Self.digests[0], expiresAt: nil)
    #expect(decideForDeployment(&fixture, .issueToken(grant)).status == 204)
    let rotation = rotation(&fixture, id)
    #expect(decideForDeployment(&fixture, .rotateToken(rotation)).status == 204)
    let uses = TokenUses(uses: [.init(token: id, address: "192.0.2.1", count: 2, lastUsedAt: Fixture.start)])
    #expect(decideForDeployment(&fixture, .recordTokenUses(uses)).status == 204)
    #expect(decideForDeployment(&fixture, .revokeToken(TokenRevocation(token: id))).status == 204)
    let key = ResourceKey(workspace: .deployment, id: id.resource)
    let token = try #require(fixture.decider.state.tokens[key])
    #expect(token.revokedAt == Fixture.start && Set(token.scopes) == TokenScope.deploymentWide)
    #expect(fixture.decider.state.changes.tokenUses.keys.map(\.token) == [key])
    // The workspace does not have it.
    let other = fixture.decide(.revokeToken(TokenRevocation(token: id)), on: Fixture.workspace.resource)
    #expect(other.status == 404)
  }

  @Test(
    "The deployment has neither SCIM tokens nor clients, sessions and links, nor settings and users",
    arguments: [
      (TokenKind.token, [TokenScope.scim]), (.token, [.admin, .scim]), (.client, [.events]), (.session, [.admin]), (.link, [.admin]),
    ])
  func notForDeployment(kind: TokenKind, scopes: [TokenScope]) {
    var fixture = Fixture()
    let grant = TokenGrant(
      token: TokenID(fixture.id().uuid), kind: kind, name: "x", scopes: Set(scopes), digest: Self.digests[0],
      expiresAt: Fixture.start + 60)
    #expect(decideForDeployment(&fixture, .issueToken(grant)).status == 400)
    #expect(decideForDeployment(&fixture, .createUser(document: Fixture.user(#"{"userName":"ana"}"#))).status == 404)
    #expect(fixture.decider.state.changes.writtenTokens.isEmpty)
  }

  @Test("A token of a workspace that does not exist is refused")
  func noWorkspace() {
    var fixture = Fixture()
    let grant = TokenGrant(token: TokenID(fixture.id().uuid), name: "x", scopes: [.scim], digest: Self.digests[0], expiresAt: nil)
    var command = fixture.command(.issueToken(grant), on: Fixture.workspace.resource)
    command.workspace = .made(at: Fixture.start)
    #expect(fixture.decider.decide(ParsedCommand(command)).outcome.status == 404)
  }

  @Test("A reply has the digest of the request whose command was carried out")
  func requestDigest() {
    var fixture = Fixture()
    let grant = TokenGrant(token: TokenID(fixture.id().uuid), name: "x", scopes: [.scim], digest: Self.digests[0], expiresAt: nil)
    var command = fixture.command(.issueToken(grant), on: Fixture.workspace.resource)
    command.requestDigest = "first"
    #expect(fixture.decider.decide(ParsedCommand(command)).requestDigest == "first")
    command.requestDigest = "second"
    #expect(fixture.decider.decide(ParsedCommand(command)).requestDigest == "first")
  }

  @Test("Uses of existing tokens are counted, for a bounded number of addresses a day")
  func uses() {
    var fixture = Fixture()
    let id = issue(&fixture)
    let deletedToken = TokenID.made(at: Fixture.start)
    let many = (0..<60).map { TokenUses.Use(token: id, address: "192.0.2.\($0)", count: 2, lastUsedAt: Fixture.start) }
    let next = [
      TokenUses.Use(token: id, address: "192.0.2.0", count: 3, lastUsedAt: Fixture.start + 5),
      TokenUses.Use(token: id, address: "192.0.2.59", count: 1, lastUsedAt: Fixture.start + 86_400),
      TokenUses.Use(token: deletedToken, address: "192.0.2.0", count: 1, lastUsedAt: Fixture.start),
      TokenUses.Use(token: id, address: String(repeating: "x", count: 100), count: 1, lastUsedAt: Fixture.start),
    ]
    for uses in [many, next] {
      #expect(fixture.decide(.recordTokenUses(TokenUses(uses: uses)), on: Fixture.workspace.resource).status == 204)
    }
    let key = ResourceKey(workspace: Fixture.workspace, id: id.resource)
    let counted = fixture.decider.state.changes.tokenUses
    #expect(counted.count == 2)
    let day = counted[TokenDay(token: key, at: Fixture.start)] ?? [:]
    #expect(day.count == TokenUses.maximumAddresses + 1)
    #expect(day["192.0.2.0"] == .init(count: 5, lastUsedAt: Fixture.start + 5))
    #expect(day[""] == .init(count: 21, lastUsedAt: Fixture.start))
    #expect(counted[TokenDay(token: key, at: Fixture.start + 86_400)]?.keys.sorted() == ["192.0.2.59"])
    #expect(fixture.decider.events.isEmpty)
  }
}
