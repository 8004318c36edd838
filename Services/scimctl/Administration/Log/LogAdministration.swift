import Foundation
import Models
import ProvisioningLog
import SCIM

/// Reads the provisioning log, and sends logged requests again.
protocol LogAdministration: IDAdministration {
  /// The latest selected entries, the oldest first.
  func logEntries(_ selection: LogRepository.Selection, in workspace: StoredWorkspace) async throws -> [ListedLogEntry]
  /// An entry with its diagnosis; nil if there is none.
  func logEntry(_ id: LogEntryID, in workspace: StoredWorkspace) async throws -> DiagnosedEntry?
  /// Sends the request of an entry again.
  ///
  /// - Parameter force: Whether to send requests that succeeded.
  func replay(_ entry: DiagnosedEntry, force: Bool, in workspace: StoredWorkspace) async throws -> ReplayOutcome
}

/// An entry of the provisioning log in a list.
struct ListedLogEntry: Sendable {
  var row: LogRow
  /// The entry as JSON.
  var json: String
}

/// An entry of the provisioning log with the explanation of its failure.
struct DiagnosedEntry: Sendable {
  var entry: LogEntry
  /// nil if the request did not fail.
  var diagnosis: Diagnosis?
}

/// The response to a request that was sent again.
struct ReplayOutcome: Sendable, Equatable {
  var status: Int
  /// The body of the response; nil if it is not known.
  var body: String?
  /// The new entry; nil if it is not known.
  var entry: String?
}

extension LogAdministration {
  /// The entry with an id or its first characters.
  ///
  /// - Throws: ``ScimctlError`` if no id or several ids match.
  func logEntry(_ prefix: IDPrefix, in workspace: StoredWorkspace) async throws -> DiagnosedEntry {
    let id = LogEntryID(try await id(of: .provisioningLog, prefix, in: workspace))
    guard let entry = try await logEntry(id, in: workspace) else {
      throw ScimctlError(.notFound, "workspace \(workspace.settings.slug) no longer has the entry \(id)")
    }
    return entry
  }
}

extension ServerAdministration: LogAdministration {
  func logEntries(_ selection: LogRepository.Selection, in workspace: StoredWorkspace) async throws -> [ListedLogEntry] {
    let onlyFailures = selection.failedOnly || (selection.status?.lowerBound ?? 0) >= 400
    let query: [(name: String, value: String?)] = [
      (name: "failed", value: onlyFailures ? "true" : nil), (name: "subject", value: selection.subject),
      (name: "since", value: selection.since.map(Timestamp.text)),
    ]
    // The server does not select by status, so all pages are read until there are enough entries.
    var found: [ListedLogEntry] = []
    var cursor: String?
    repeat {
      let wanted = selection.status == nil ? min(selection.limit - found.count, Self.pageSize) : Self.pageSize
      let paging: [(name: String, value: String?)] = [(name: "limit", value: "\(wanted)"), (name: "cursor", value: cursor)]
      let page = try await client.get(.workspace("\(workspace.id)", "provisioning-log"), query: query + paging).json().object
      for item in page?["entries"]?.array ?? [] {
        let body = item.serialized()
        let row: LogRow = try ManagementResponse(status: 200, headers: [:], body: body).decoded(as: "entry of the log")
        if let status = selection.status, !status.contains(row.status) { continue }
        found.append(ListedLogEntry(row: row, json: String(decoding: body, as: UTF8.self)))
      }
      cursor = page?["nextCursor"]?.string
    } while cursor != nil && found.count < selection.limit
    return found.prefix(selection.limit).reversed()
  }

  /// The largest page.
  private static let pageSize = 200

  func logEntry(_ id: LogEntryID, in workspace: StoredWorkspace) async throws -> DiagnosedEntry? {
    do {
      let path = APIPath.workspace("\(workspace.id)", "provisioning-log", "\(id)")
      let response = try await client.response(to: ManagementRequest(.get, path))
      return try DiagnosedEntry(response: try response.json(), in: workspace.id)
    } catch let problem as ServerProblem {
      guard problem.kind == "unknown-resource" else { throw ScimctlError(problem, from: client.server.site) }
      return nil
    }
  }

  func replay(_ entry: DiagnosedEntry, force: Bool, in workspace: StoredWorkspace) async throws -> ReplayOutcome {
    guard !force else {
      throw ScimctlError(.usage, "--force needs --direct: the management API does not repeat requests that succeeded")
    }
    struct Body: Decodable {
      var status: Int
      var entry: String?
    }
    var request = ManagementRequest(.post, .workspace("\(workspace.id)", "provisioning-log", "\(entry.entry.id)", "replay"))
    // The route accepts no idempotency key: a repetition would send the request twice.
    request.isRepeatable = false
    let body: Body = try await client.send(request).decoded(as: "outcome of the request")
    return ReplayOutcome(status: body.status, entry: body.entry)
  }
}

extension DiagnosedEntry {
  /// - Parameters:
  ///   - response: An entry in the form of the management API, which differs from the stored form in some members.
  ///   - workspace: The workspace of the entry.
  /// - Throws: ``ScimctlError`` if it is none.
  init(response: JSON, in workspace: WorkspaceID) throws(ScimctlError) {
    guard var object = response.object else { throw .unknownEntry("no JSON object") }
    let subject = object["resource"]?.object
    object["workspace"] = .string("\(workspace)")
    object["resourceType"] = subject?["type"]
    object["resource"] = subject?["id"]
    object["name"] = subject?["name"]
    let milliseconds = object["milliseconds"].flatMap { Double(String(decoding: $0.serialized(), as: UTF8.self)) } ?? 0
    object["microseconds"] = .integer(Int64((milliseconds * 1000).rounded()))
    do {
      entry = try LogEntry(json: JSON.object(object).serialized())
    } catch {
      throw .unknownEntry("\(error)")
    }
    if let diagnosis = object["diagnosis"]?.object, let cause = diagnosis["cause"]?.string.flatMap(Diagnosis.Cause.init(rawValue:)),
      let explanation = diagnosis["explanation"]?.string, let fix = diagnosis["fix"]?.string
    {
      self.diagnosis = Diagnosis(cause: cause, explanation: explanation, fix: fix)
    }
  }
}

extension ScimctlError {
  fileprivate static func unknownEntry(_ reason: String) -> ScimctlError {
    ScimctlError(.internal, "the server's response is not an entry of the log that this version of scimctl understands: \(reason)")
  }
}
