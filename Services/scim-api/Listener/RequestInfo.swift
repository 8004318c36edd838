import Models
import ProvisioningLog
import Synchronization

/// What is found out about a request on its way, for its log line and its entry in the provisioning log. Never a token's text; what is of
/// the body is for the provisioning log alone.
final class RequestInfo: Sendable {
  struct Notes: Sendable {
    var token: TokenID?
    /// The client's, which is not the peer's behind a proxy.
    var address: String?
    var workspace: WorkspaceID?
    /// The workspace that a token names which was never issued.
    var unissuedTokenOf: WorkspaceID?
    var command: CommandID?
    var resource: ResourceID?
    /// The normalisations that were applied to the body.
    var normalisations: [String] = []
    /// W3C Trace Context of the request.
    var traceparent: String?
    /// What the token is called.
    var tokenName: String?
    var profile: WorkspaceSettings.ConnectionProfile?
    var body: NotedBody?
    /// What the sender is told, a SCIM error in JSON.
    var refusal: [UInt8]?
    /// What of the body was not applied, as `StoredResource.unapplied`.
    var unapplied: [UInt8]?
    /// Of a bulk request, the number of operations, and the first operations that get a log entry of their own.
    var operations: LogEntry.Operations?
    var loggedOperations: [LoggedOperation] = []
    /// Why a create reused the record of a disabled user.
    var relink: Relink?
    /// The entry of the provisioning log that is to be written, where that was said beforehand, and whose request is sent again by this.
    var replay: (entry: LogEntryID, of: LogEntryID)?
  }

  /// The address of the other end of the connection.
  let peer: String?
  private let stored = Mutex(Notes())

  init(peer: String?) {
    self.peer = peer
  }

  var notes: Notes { stored.withLock { $0 } }

  func note(unissuedTokenOf workspace: WorkspaceID) {
    stored.withLock { $0.unissuedTokenOf = workspace }
  }

  func note(address: String?) {
    stored.withLock { $0.address = address }
  }

  func note(token: TokenID, workspace: WorkspaceID) {
    stored.withLock {
      $0.token = token
      $0.workspace = workspace
    }
  }

  func note(_ record: TokenRecord) {
    stored.withLock {
      $0.token = record.token
      $0.workspace = record.workspace
      $0.tokenName = record.name
      $0.profile = record.settings.connectionProfile
    }
  }

  /// The request of entry `original` is sent again for `caller`; its own entry is to be `entry`.
  func note(replayOf original: LogEntryID, as entry: LogEntryID, by caller: Caller) {
    stored.withLock {
      $0.token = caller.token
      $0.workspace = caller.workspace
      $0.profile = caller.settings.connectionProfile
      $0.replay = (entry, original)
    }
  }

  func note(body: NotedBody) {
    stored.withLock { $0.body = body }
  }

  func note(refusal: [UInt8]) {
    stored.withLock { $0.refusal = refusal }
  }

  func note(unapplied: [UInt8]?) {
    stored.withLock { $0.unapplied = unapplied }
  }

  /// - Parameter logged: those of the operations that have an entry of their own.
  func note(operations: Int, logged: [LoggedOperation]) {
    stored.withLock {
      $0.operations = LogEntry.Operations(count: operations, failed: logged.count(where: \.isFailure))
      $0.loggedOperations = Array(logged.prefix(LogEntry.Operations.maximumEntries))
    }
  }

  func note(relink: Relink?) {
    stored.withLock { $0.relink = relink }
  }

  func note(command: CommandID, on resource: ResourceID) {
    stored.withLock {
      $0.command = command
      $0.resource = resource
    }
  }

  func note(resource: ResourceID) {
    stored.withLock { $0.resource = resource }
  }

  func note(normalisations: [String]) {
    stored.withLock { $0.normalisations = normalisations }
  }

  func note(traceparent: String) {
    stored.withLock { $0.traceparent = traceparent }
  }
}
