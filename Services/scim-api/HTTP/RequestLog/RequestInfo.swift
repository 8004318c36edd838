import Models
import ProvisioningLog
import ServiceKit
import Synchronization

/// Collects the properties of a request for its log line and its entry in the provisioning log.
///
/// It never contains the text of a token. Only the provisioning log uses the body.
package final class RequestInfo: Sendable {
  /// The fields that are known so far.
  package struct Fields: Sendable {
    /// The token, client or session of the request.
    package var token: TokenID?
    /// The address of the client, which behind a proxy is not that of the peer.
    package var address: String?
    /// The workspace of the caller.
    package var workspace: WorkspaceID?
    /// The workspace that the token names, if the token was never issued.
    package var unissuedTokenOf: WorkspaceID?
    /// The command that was sent to identity-store.
    package var command: CommandID?
    /// The resource that is read or written.
    package var resource: ResourceID?
    /// The normalisations that were applied to the body.
    package var normalisations: [String] = []
    /// The W3C Trace Context of the request.
    package var trace: TraceContext?
    /// The name of the token.
    package var tokenName: String?
    /// The connection profile of the workspace.
    package var profile: WorkspaceSettings.ConnectionProfile?
    var body: RecordedBody?
    /// The error of the response, a SCIM error in JSON.
    package var error: [UInt8]?
    /// The changes of the body that were not applied, as `StoredResource.unapplied`.
    package var unapplied: [UInt8]?
    /// Of a bulk request, the number of operations, and the first operations that get a log entry of their own.
    package var operations: LogEntry.Operations?
    /// The operations of a bulk request with entries of their own.
    package var loggedOperations: [LoggedOperation] = []
    /// Why a create reused the record of a disabled user.
    package var relink: Relink?
    /// For a replayed request, the id of the log entry to write, and of the entry whose request is sent again.
    package var replay: (entry: LogEntryID, of: LogEntryID)?
  }

  /// The peer of the connection.
  package let peer: Peer
  private let stored = Mutex(Fields())

  /// The info of a request on a connection from `peer`.
  package init(peer: Peer) {
    self.peer = peer
  }

  /// The fields that are known so far.
  package var fields: Fields { stored.withLock { $0 } }

  /// Whether a valid credential is known.
  package var isAuthenticated: Bool { stored.withLock { $0.token != nil } }

  /// The token, client or session of the request.
  var token: TokenID? { stored.withLock { $0.token } }

  /// The `traceparent` of the messages that the request causes.
  package var traceparent: String? { stored.withLock { $0.trace }?.traceparent }

  /// Records the workspace of a token that was never issued.
  package func record(unissuedTokenOf workspace: WorkspaceID) {
    stored.withLock { $0.unissuedTokenOf = workspace }
  }

  /// Records the client's address.
  package func record(address: String?) {
    stored.withLock { $0.address = address }
  }

  /// Records the credential and its workspace.
  package func record(token: TokenID, workspace: WorkspaceID) {
    stored.withLock {
      $0.token = token
      $0.workspace = workspace
    }
  }

  /// Records the credential, its name and its workspace.
  package func record(_ record: TokenRecord) {
    stored.withLock {
      $0.token = record.token
      $0.workspace = record.workspace
      $0.tokenName = record.name
      $0.profile = record.caller.settings.connectionProfile
    }
  }

  /// Records the credential and the workspace that the request is about, which a deployment-wide token does not determine.
  package func record(_ caller: Caller) {
    stored.withLock {
      $0.token = caller.token
      $0.workspace = caller.workspace
      $0.tokenName = caller.name
      $0.profile = caller.settings.connectionProfile
    }
  }

  /// Records that `caller` replays the request of the log entry `original`, and that its own log entry gets the id `entry`.
  package func record(replayOf original: LogEntryID, as entry: LogEntryID, by caller: Caller) {
    stored.withLock {
      $0.token = caller.token
      $0.workspace = caller.workspace
      $0.profile = caller.settings.connectionProfile
      $0.replay = (entry, original)
    }
  }

  func record(body: RecordedBody) {
    stored.withLock { $0.body = body }
  }

  /// Records the error of the response, a SCIM error in JSON.
  package func record(error: [UInt8]) {
    stored.withLock { $0.error = error }
  }

  /// Records the changes that were not applied.
  package func record(unapplied: [UInt8]?) {
    stored.withLock { $0.unapplied = unapplied }
  }

  /// Records the operations of a bulk request.
  ///
  /// - Parameter logged: the operations with a log entry of their own.
  package func record(operations: Int, logged: [LoggedOperation]) {
    stored.withLock {
      $0.operations = LogEntry.Operations(count: operations, failed: logged.count(where: \.isFailure))
      $0.loggedOperations = Array(logged.prefix(LogEntry.Operations.maximumEntries))
    }
  }

  /// Records why the record of a disabled user was reused.
  package func record(relink: Relink?) {
    stored.withLock { $0.relink = relink }
  }

  /// Records the command that was sent, and its resource.
  package func record(command: CommandID, on resource: ResourceID) {
    stored.withLock {
      $0.command = command
      $0.resource = resource
    }
  }

  /// Records the resource.
  package func record(resource: ResourceID) {
    stored.withLock { $0.resource = resource }
  }

  /// Records the normalisations of the body.
  package func record(normalisations: [String]) {
    stored.withLock { $0.normalisations = normalisations }
  }

  /// Records the W3C Trace Context.
  package func record(trace: TraceContext) {
    stored.withLock { $0.trace = trace }
  }
}
