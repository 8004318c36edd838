import Credentials
import Foundation
import Models
import Postgres
import ProvisioningLog

#if canImport(FoundationNetworking)
  import FoundationNetworking
#endif

extension DirectAdministration: LogAdministration {
  /// How long the token of a replay is valid if its revocation fails, in seconds.
  private static let lifetime: TimeInterval = 300

  private var log: LogRepository { LogRepository { [pool] in try await pool.query($0, $1) } }

  func logEntries(_ selection: LogRepository.Selection, in workspace: StoredWorkspace) async throws -> [ListedLogEntry] {
    try await log.entries(selection, in: workspace.id).map { listed in
      ListedLogEntry(row: LogRow(listed), json: String(decoding: listed.entry.json(), as: UTF8.self))
    }
  }

  func logEntry(_ id: LogEntryID, in workspace: StoredWorkspace) async throws -> DiagnosedEntry? {
    guard let entry = try await log.entry(id, in: workspace.id) else { return nil }
    return DiagnosedEntry(entry: entry, diagnosis: try await log.diagnosis(of: entry))
  }

  /// Sends the request with a token of its own, which is revoked afterwards.
  func replay(_ replayed: DiagnosedEntry, force: Bool, in workspace: StoredWorkspace) async throws -> ReplayOutcome {
    let entry = replayed.entry
    let settings = try await Settings.forReplaying()
    let request = try ReplayRequest.of(entry, force: force)
    let url = try request.url(at: try settings.url(.scimURL))
    let token = AccessToken.made(for: workspace.id)
    let grant = TokenGrant(
      token: .made(at: .now), name: ReplayToken(entry: entry.id, operator: try Operator.name(settings)).name, scopes: [request.scope],
      digest: SecretDigest.hex(of: token.text), expiresAt: .now + Self.lifetime)
    try await execute(.issueToken(grant), in: workspace.id)
    let outcome: Result<ReplayOutcome, any Error>
    do {
      outcome = .success(try await Self.send(request, to: url, with: token))
    } catch {
      outcome = .failure(error)
    }
    try await execute(.revokeToken(TokenRevocation(token: grant.token)), in: workspace.id)
    return try outcome.get()
  }

  private static func send(_ replay: ReplayRequest, to url: URL, with token: AccessToken) async throws -> ReplayOutcome {
    var request = URLRequest(url: url, timeoutInterval: 60)
    request.httpMethod = replay.method
    request.setValue("scimctl", forHTTPHeaderField: "User-Agent")
    for (name, value) in replay.headers { request.setValue(value, forHTTPHeaderField: name) }
    request.setValue("Bearer \(token.text)", forHTTPHeaderField: "Authorization")
    request.httpBody = replay.body.map { Data($0) }
    do {
      let (data, response) = try await URLSession(configuration: .ephemeral).data(for: request)
      return ReplayOutcome(
        status: (response as? HTTPURLResponse)?.statusCode ?? 0, body: String(decoding: data, as: UTF8.self))
    } catch let error as URLError {
      throw ScimctlError(
        .unavailable, "scim-api does not answer at \(url.host() ?? ""): \(error.localizedDescription). See ROLLCALL_SCIM_URL")
    }
  }
}
