import Foundation
import Models
import ProvisioningLog
import SCIM

/// An entry of the provisioning log in a list, in the form of the management API.
struct LogRow: Sendable, Equatable, Codable {
  /// The user or group of the request.
  struct Subject: Sendable, Equatable, Codable {
    var type: String?
    var id: ResourceID?
    var name: String?
  }

  /// The numbers of operations of a bulk request.
  struct Operations: Sendable, Equatable, Codable {
    var count: Int
    var failed: Int
  }

  /// Requests with tokens that were never issued.
  struct UnverifiedSender: Sendable, Equatable, Codable {
    var requests: Int
  }

  var id: LogEntryID
  var at: Date
  var method: String
  var path: String
  var status: Int
  var scimType: String?
  var detail: String?
  var resource: Subject?
  var identityProvider: String?
  /// `same-person` or `reassigned`, if a create reused the record of a disabled user.
  var relink: String?
  var isPartlyApplied: Bool
  /// The attributes that were not applied. The management API has them in a single entry only.
  var unapplied: [String]?
  var operations: Operations?
  var unverifiedSender: UnverifiedSender?
}

extension LogRow {
  /// The row of a stored entry.
  init(_ listed: LogRepository.Listed) {
    let entry = listed.entry
    self.init(
      id: entry.id, at: entry.at, method: entry.method, path: entry.path, status: entry.status, scimType: entry.scimType,
      detail: entry.detail,
      resource: Subject(type: entry.resourceType?.rawValue, id: entry.resource, name: entry.name ?? listed.presentName),
      identityProvider: entry.identityProvider, relink: entry.relink?.rawValue, isPartlyApplied: entry.isPartlyApplied,
      unapplied: entry.unapplied.map(\.path),
      operations: entry.operations.map { Operations(count: $0.count, failed: $0.failed) },
      unverifiedSender: entry.unverified.map { UnverifiedSender(requests: $0.requests) })
  }

  /// One row per entry.
  static func table(of entries: [LogRow]) -> Table {
    var table = Table("TIME", "STATUS", "METHOD", "PATH", "USER OR GROUP", "SENDER", "ID", "RESULT")
    for entry in entries {
      let path = entry.unverifiedSender.map { "unverified sender, \($0.requests) \($0.requests == 1 ? "request" : "requests")" }
      table.append([
        Timestamp.text(entry.at), "\(entry.status)", entry.method, path ?? entry.shortPath, entry.resource?.name, entry.identityProvider,
        "\(entry.id)", entry.result,
      ])
    }
    return table
  }

  /// The result of the request in a few words.
  private var result: String? {
    if let operations { return "\(operations.failed) of \(operations.count) operations failed" }
    if let relink { return Relink(rawValue: relink)?.summary ?? relink }
    if isPartlyApplied {
      let without = (unapplied ?? []).joined(separator: ", ")
      return without.isEmpty ? "partly applied" : "partly applied, without \(without)"
    }
    guard let detail else { return scimType }
    let excerpt = detail.count > 100 ? detail.prefix(99) + "…" : detail[...]
    return scimType.map { "\($0): \(excerpt)" } ?? String(excerpt)
  }

  /// The path without the common prefix.
  private var shortPath: String {
    let base = "/api/v2/scim"
    return path.hasPrefix(base + "/") ? String(path.dropFirst(base.count).prefix(60)) : String(path.prefix(60))
  }
}
