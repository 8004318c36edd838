import Foundation
import HTTPTypes
import Hummingbird
import Models
import ProvisioningLog
import SCIM

/// A finished request that waits for the provisioning log. Its entries are made later, off the request path.
struct LoggedRequest: Sendable {
  let at: Date
  let duration: Duration
  let workspace: WorkspaceID
  let head: HTTPRequest
  /// The pattern of the route; nil if none matched.
  let route: String?
  let status: Int
  /// The address of the connection's peer.
  package let address: String?
  /// The address of the client, which behind a proxy is not that of the peer.
  var clientAddress: String? { fields.address ?? address }
  /// The fields that were recorded for the request.
  package let fields: RequestInfo.Fields

  /// The approximate memory of the body and the bulk operations, in bytes.
  var size: Int { (fields.body?.bytes ?? 0) + fields.loggedOperations.reduce(0) { $0 + $1.error.count + 2048 } }
}

extension LoggedRequest {
  /// The request to log; nil for requests of the console and of the management API, for requests without a known workspace, and for
  /// successful reads that `reads` does not select.
  init?(_ request: Request, _ context: EdgeContext, status: Int, at: Date, _ duration: Duration, reads: ReadSampler) {
    let route = context.endpointPath
    guard status >= 400 || Self.isWrite(request.method, route) || Self.isSampled(request, route, context.info.token, at, by: reads),
      !ResourcePath.isConsole(request.uri.path), !ResourcePath.isAdmin(request.uri.path)
    else { return nil }
    let fields = context.info.fields
    // A request with a deployment-wide token may concern no workspace.
    guard let workspace = fields.workspace ?? fields.unissuedTokenOf, workspace != .deployment else { return nil }
    self.init(
      at: at, duration: duration, workspace: workspace, head: request.head, route: route, status: status,
      address: context.info.peer.text, fields: fields)
  }

  private static func isWrite(_ method: HTTPRequest.Method, _ route: String?) -> Bool {
    switch method {
    case .post, .put, .patch, .delete: route.map { $0.hasPrefix(ResourcePath.base) && !$0.hasSuffix(".search") } ?? false
    default: false
    }
  }

  /// Whether a successful read is logged. Only SCIM reads are: the others are not sent by identity providers.
  private static func isSampled(_ request: Request, _ route: String?, _ token: TokenID?, _ at: Date, by reads: ReadSampler) -> Bool {
    guard let route, route.hasPrefix(ResourcePath.base), let token else { return false }
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

  /// An operation of a bulk request and its outcome.
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

/// The body of a request, as it is kept for the provisioning log.
enum RecordedBody: Sendable {
  case json(JSON, bytes: Int)
  /// Not JSON, so its secrets cannot be recognised and removed.
  case unreadable(bytes: Int)
  /// The summary of a body that is too large to keep.
  case cut(LoggedBody)

  init(_ json: JSON, bytes: Int) {
    self = bytes > LoggedBody.maximumBytes ? .cut(LoggedBody.keeping(json, bytes: bytes).body) : .json(json, bytes: bytes)
  }

  /// The approximate memory, in bytes.
  var bytes: Int {
    switch self {
    case .json(_, let bytes): bytes
    case .unreadable, .cut: 1024
    }
  }
}
