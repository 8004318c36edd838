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
  /// The address of the connection's peer.
  package let address: String?
  /// The client's, which is not the peer's behind a proxy.
  var clientAddress: String? { fields.address ?? address }
  /// What was recorded of the request.
  package let fields: RequestInfo.Fields

  /// About what it holds in memory, beside what every one does.
  var size: Int { (fields.body?.bytes ?? 0) + fields.loggedOperations.reduce(0) { $0 + $1.error.count + 2048 } }
}

extension LoggedRequest {
  /// What there is to log of a request: nil for a read that went well and is none that `reads` picks, for what people do at the console, and
  /// where nobody can tell whose it is.
  init?(_ request: Request, _ context: EdgeContext, status: Int, at: Date, _ duration: Duration, reads: ReadSampler) {
    let route = context.endpointPath
    guard !ResourcePath.isConsole(request.uri.path) else { return nil }
    let fields = context.info.fields
    guard status >= 400 || Self.isWrite(request.method, route) || Self.isPicked(request, route, fields, at, by: reads) else { return nil }
    guard let workspace = fields.workspace ?? fields.unissuedTokenOf else { return nil }
    self.init(
      at: at, duration: duration, workspace: workspace, head: request.head, route: route, status: status, address: context.info.peer,
      fields: fields)
  }

  private static func isWrite(_ method: HTTPRequest.Method, _ route: String?) -> Bool {
    guard [.post, .put, .patch, .delete].contains(method), let route else { return false }
    return route.hasPrefix(ResourcePath.base) && !route.hasSuffix(".search")
  }

  /// Of SCIM alone: what the product and the console read is no identity provider's.
  private static func isPicked(
    _ request: Request, _ route: String?, _ fields: RequestInfo.Fields, _ at: Date, by reads: ReadSampler
  ) -> Bool {
    guard let route, route.hasPrefix(ResourcePath.base), let token = fields.token else { return false }
    return reads.isDue(token, from: request.headers[.userAgent], at: at)
  }
}

/// An operation of a bulk request with a log entry of its own.
package struct LoggedOperation: Sendable {
  /// The position in the request.
  package var position: Int
  /// The HTTP method.
  package var method: String
  /// The path, relative to the SCIM base URL.
  package var path: String
  /// The body.
  package var data: JSON?
  /// The HTTP status.
  package var status: Int
  /// A SCIM error in JSON; empty if the operation succeeded.
  package var error: [UInt8]
  /// Why a create reused the record of a disabled user.
  package var relink: Relink?
  /// The user that was written.
  package var resource: ResourceID?
  /// The changes that were not applied, as `StoredResource.unapplied`.
  package var unapplied: [UInt8]?

  /// An operation with its outcome.
  package init(
    position: Int, method: String, path: String, data: JSON? = nil, status: Int, error: [UInt8], relink: Relink? = nil,
    resource: ResourceID? = nil, unapplied: [UInt8]? = nil
  ) {
    self.position = position
    self.method = method
    self.path = path
    self.data = data
    self.status = status
    self.error = error
    self.relink = relink
    self.resource = resource
    self.unapplied = unapplied
  }

  /// Whether the operation failed.
  package var isFailure: Bool { status >= 400 }
}

/// A body as it was read.
enum RecordedBody: Sendable {
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
