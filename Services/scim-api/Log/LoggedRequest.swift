import Foundation
import HTTPTypes
import Hummingbird
import Models
import ProvisioningLog
import SCIM

/// A request as it waits to be logged: what was noted of it, not yet put into words, since that has time.
struct LoggedRequest: Sendable {
  let at: Date
  let duration: Duration
  let workspace: WorkspaceID
  let head: HTTPRequest
  /// The pattern of the endpoint; nil where there is none.
  let route: String?
  let status: Int
  let address: String?
  /// The client's, which is not the peer's behind a proxy.
  var clientAddress: String? { notes.address ?? address }
  let notes: RequestInfo.Notes

  /// About what it holds in memory, beside what every one does.
  var size: Int { (notes.body?.bytes ?? 0) + notes.loggedOperations.reduce(0) { $0 + $1.error.count + 2048 } }
}

extension LoggedRequest {
  /// What there is to log of a request: nil for a read that went well and is none that `reads` picks, for what people do at the console, and
  /// where nobody can tell whose it is.
  init?(_ request: Request, _ context: EdgeContext, status: Int, at: Date, _ duration: Duration, reads: ReadSampler) {
    let route = context.endpointPath
    guard !ConsolePath.isConsole(request.uri.path) else { return nil }
    let notes = context.facts.notes
    guard status >= 400 || Self.isWrite(request.method, route) || Self.isPicked(request, route, notes, at, by: reads) else { return nil }
    guard let workspace = notes.workspace ?? notes.unissuedTokenOf else { return nil }
    self.init(
      at: at, duration: duration, workspace: workspace, head: request.head, route: route, status: status, address: context.facts.peer,
      notes: notes)
  }

  private static func isWrite(_ method: HTTPRequest.Method, _ route: String?) -> Bool {
    guard [.post, .put, .patch, .delete].contains(method), let route else { return false }
    return route.hasPrefix(ResourcePath.base) && !route.hasSuffix(".search")
  }

  /// Of SCIM alone: what the product and the console read is no identity provider's.
  private static func isPicked(
    _ request: Request, _ route: String?, _ notes: RequestInfo.Notes, _ at: Date, by reads: ReadSampler
  ) -> Bool {
    guard let route, route.hasPrefix(ResourcePath.base), let token = notes.token else { return false }
    return reads.isDue(token, from: request.headers[.userAgent], at: at)
  }
}

/// An operation of a bulk request that has an entry of its own in the log.
struct LoggedOperation: Sendable {
  var position: Int
  var method: String
  var path: String
  var data: JSON?
  var status: Int
  /// A SCIM error in JSON; empty where it did not fail.
  var error: [UInt8]
  /// Why a create reused the record of a disabled user.
  var relink: Relink?
  /// The user that was written.
  var resource: ResourceID?
  /// What was not applied, as `StoredResource.unapplied`.
  var unapplied: [UInt8]?

  var isFailure: Bool { status >= 400 }
}

/// A body as it was read.
enum NotedBody: Sendable {
  case json(JSON, bytes: Int)
  /// It is not JSON, so that nobody can tell what in it is secret.
  case unreadable(bytes: Int)
  /// What is left of one that is too large to be kept.
  case cut(LoggedBody)

  init(_ json: JSON, bytes: Int) {
    self = bytes > LoggedBody.maximumBytes ? .cut(LoggedBody.keeping(json, bytes: bytes).body) : .json(json, bytes: bytes)
  }

  /// What it holds in memory.
  var bytes: Int {
    switch self {
    case .json(_, let bytes): bytes
    case .unreadable, .cut: 1024
    }
  }
}
