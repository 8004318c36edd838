import Foundation
import Models

/// Checks a deployment through its management API.
struct ServerCheck: Sendable {
  let client: ManagementClient

  /// The largest difference between this machine's clock and the server's that is no problem, in seconds.
  private static let maximumClockDifference: TimeInterval = 30

  /// The findings: the server, its clock, and what it says about the deployment or the workspace of the token.
  func findings() async -> [Finding] {
    do {
      guard let workspace = client.server.workspace else { return try await deployment() }
      return try await self.workspace("\(workspace)")
    } catch {
      let failure = ScimctlError(reporting: error) ?? ScimctlError(.internal, "\(error)")
      return [.fail("server", failure.message, fix: Self.fix(for: failure, client.server.site))]
    }
  }

  private static func fix(for failure: ScimctlError, _ site: String) -> String {
    failure.status == .permissionDenied
      ? "scimctl login --server \(site), with a token of scope admin"
      : "curl \(site)/readyz at its health port; correct the URL, or start scim-api"
  }

  private func deployment() async throws -> [Finding] {
    let response = try await client.get(.admin("health"))
    let health: DeploymentHealth = try response.decoded(as: "health of the deployment")
    var findings = [Finding.ok("server", "\(client.server.site) answers")] + clock(response)
    findings += health.checks.map { Self.finding($0) }
    return findings
  }

  /// The finding for a check of the server.
  static func finding(_ check: DeploymentHealth.Check) -> Finding {
    guard check.status == "ok" else {
      return .fail(
        check.name, check.detail ?? "it fails",
        fix: "see the log and /readyz of \(check.name == "database" ? "scim-api" : check.name), or run 'scimctl doctor --deep'")
    }
    return .ok(check.name, check.waitingEvents.map { "answers; \($0) events wait to be published" } ?? "answers")
  }

  private func workspace(_ workspace: String) async throws -> [Finding] {
    let response = try await client.get(.workspace(workspace, "health"))
    let health: WorkspaceHealth = try response.decoded(as: "health of a workspace")
    var findings = [Finding.ok("server", "\(client.server.site) answers")] + clock(response)
    findings.append(
      health.isOpen
        ? .ok("workspace", "can use SCIM")
        : .warn("workspace", health.obstacle ?? "cannot use SCIM", fix: "change the settings that are missing, or ask the operator"))
    for sender in health.senders where sender.status == "all-failed" || sender.status == "last-failed" {
      let name = sender.identityProvider ?? sender.tokenName ?? "an unknown sender"
      findings.append(.warn("sender", "the last request of \(name) failed", fix: "scimctl log tail --failed"))
    }
    return findings
  }

  private func clock(_ response: ManagementResponse) -> [Finding] {
    guard let text = response.headers["date"], let server = HTTPDate.date(text) else { return [] }
    let difference = abs(server.timeIntervalSinceNow)
    guard difference > Self.maximumClockDifference else {
      return [.ok("clock", "differs by less than \(Int(Self.maximumClockDifference)) s")]
    }
    return [
      .warn(
        "clock", "this machine's clock differs from the server's by \(Int(difference)) s", fix: "timedatectl set-ntp true, on both machines"
      )
    ]
  }
}

/// The health of a deployment, in the form of the management API.
struct DeploymentHealth: Sendable, Equatable, Decodable {
  /// The result of one check of the server.
  struct Check: Sendable, Equatable, Decodable {
    var name: String
    /// `ok` or `failing`.
    var status: String
    var detail: String?
    /// The number of events that wait to be published.
    var waitingEvents: Int?
  }

  var status: String
  var checks: [Check]
}

/// Dates in HTTP headers (RFC 9110 §5.6.7).
enum HTTPDate {
  /// Parses the preferred form, such as `Sun, 06 Nov 1994 08:49:37 GMT`; nil for anything else.
  static func date(_ text: String) -> Date? {
    let formatter = DateFormatter()
    formatter.locale = Locale(identifier: "en_US_POSIX")
    formatter.timeZone = TimeZone(secondsFromGMT: 0)
    formatter.dateFormat = "EEE, dd MMM yyyy HH:mm:ss 'GMT'"
    return formatter.date(from: text)
  }
}
