import Models
import Synchronization

/// What is found out about a request on its way, for its log line. Never a body, a token's text or an attribute's value.
final class RequestFacts: Sendable {
  struct Notes: Sendable {
    var token: TokenID?
    var workspace: WorkspaceID?
    var command: CommandID?
    var resource: ResourceID?
    /// The normalisations that were applied to the body.
    var normalisations: [String] = []
    /// W3C Trace Context of the request.
    var traceparent: String?
  }

  /// The address of the other end of the connection.
  let peer: String?
  private let stored = Mutex(Notes())

  init(peer: String?) {
    self.peer = peer
  }

  var notes: Notes { stored.withLock { $0 } }

  func note(token: TokenID, workspace: WorkspaceID) {
    stored.withLock {
      $0.token = token
      $0.workspace = workspace
    }
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
