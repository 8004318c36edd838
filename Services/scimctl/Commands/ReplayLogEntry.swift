import ArgumentParser
import Credentials
import Foundation
import Models
import Postgres
import ProvisioningLog
import ServiceKit

#if canImport(FoundationNetworking)
  import FoundationNetworking
#endif

/// `scimctl log replay ID`
struct ReplayLogEntry: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "replay", abstract: "Send the request of an entry once more, after its cause was mended, and print the answer.",
    discussion: """
      The request goes to the edge (ROLLCALL_SCIM_URL) with a token of its own, which is good for a few minutes and revoked at once \
      afterwards; both are in the audit trail, and the new entry names the old one.
      """)

  @OptionGroup var workspace: WorkspaceOption

  @Argument(help: "The entry's id, as 'scimctl log tail' shows it, or its beginning.", transform: LogCommands.entryID)
  var id: IDPrefix

  @Flag(help: "Also where the request succeeded.")
  var force = false

  /// How long the token is good, should its revocation fail.
  private static let lifetime: TimeInterval = 300

  func run() async throws {
    let settings = try await Settings.forReplaying()
    let edge = try settings.url(.scimURL)
    let (slug, answer) = try await withDatabase(settings) { pool in
      let workspace = try await workspace.resolve(settings, on: pool)
      let entry = try await LogCommands.entry(id, in: workspace, on: pool)
      let request = try ReplayRequest.of(entry, force: force)
      let url = try request.url(at: edge)
      let store = try await CommandClient(settings, pool: pool)
      let token = AccessToken.made(for: workspace.id)
      let grant = TokenGrant(
        token: .made(at: .now), name: ReplayToken(entry: entry.id, operator: try Operator.name(settings)).name,
        scopes: [request.scope],
        digest: SecretDigest.hex(of: token.text), expiresAt: .now + Self.lifetime)
      try await store.carryOut(.issueToken(grant), in: workspace.id)
      let answer: Result<(Int, String), any Error>
      do {
        answer = .success(try await Self.send(request, to: url, with: token))
      } catch {
        answer = .failure(error)
      }
      try await store.carryOut(.revokeToken(TokenRevocation(token: grant.token)), in: workspace.id)
      return (workspace.settings.slug, try answer.get())
    }
    StandardError.print("Workspace \(slug): the request was sent once more")
    print(answer.0)
    if !answer.1.isEmpty { print(PlainText.line(answer.1)) }
    if !(200..<400).contains(answer.0) {
      throw Failure(.refused, "it was answered \(answer.0) again; 'scimctl log tail --failed' has the new entry")
    }
  }

  private static func send(_ replay: ReplayRequest, to url: URL, with token: AccessToken) async throws -> (Int, String) {
    var request = URLRequest(url: url, timeoutInterval: 60)
    request.httpMethod = replay.method
    request.setValue("scimctl", forHTTPHeaderField: "User-Agent")
    for (name, value) in replay.headers { request.setValue(value, forHTTPHeaderField: name) }
    request.setValue("Bearer \(token.text)", forHTTPHeaderField: "Authorization")
    request.httpBody = replay.body.map { Data($0) }
    do {
      let (data, response) = try await URLSession(configuration: .ephemeral).data(for: request)
      return ((response as? HTTPURLResponse)?.statusCode ?? 0, String(decoding: data, as: UTF8.self))
    } catch let error as URLError {
      throw Failure(
        .unavailable, "the edge does not answer at \(url.host() ?? ""): \(error.localizedDescription). See ROLLCALL_SCIM_URL")
    }
  }
}
