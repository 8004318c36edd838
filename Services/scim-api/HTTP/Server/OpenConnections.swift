import NIOCore
import Synchronization

/// The open connections of the server, for graceful shutdown.
final class OpenConnections: Sendable {
  private struct State {
    var channels: [ObjectIdentifier: any Channel] = [:]
    /// Accepted by the listener, and not yet added.
    var unhandled = 0
    var isDraining = false
  }

  private let state = Mutex(State())

  var count: Int { state.withLock { $0.channels.count } }
  /// Whether each connection is closed after its next response.
  var isDraining: Bool { state.withLock { $0.isDraining } }

  /// Whether the listener has accepted a connection that is not added yet.
  var hasUnhandled: Bool { state.withLock { $0.unhandled > 0 } }

  func accept() {
    state.withLock { $0.unhandled += 1 }
  }

  func add(_ channel: any Channel) {
    state.withLock {
      $0.unhandled -= 1
      $0.channels[ObjectIdentifier(channel)] = channel
    }
  }

  func remove(_ channel: any Channel) {
    state.withLock { _ = $0.channels.removeValue(forKey: ObjectIdentifier(channel)) }
  }

  func startDraining() {
    state.withLock { $0.isDraining = true }
  }

  /// Waits up to `timeout` until all connections are closed, and then closes each remaining one as soon as it is idle.
  ///
  /// Does not wait for the remaining ones: the tasks that handle them do.
  func drain(within timeout: Duration) async {
    let end = ContinuousClock.now + timeout
    while count > 0, ContinuousClock.now < end {
      do {
        try await Task.sleep(for: .milliseconds(20))
      } catch {
        // Cancelled: stop waiting.
        break
      }
    }
    for channel in state.withLock({ Array($0.channels.values) }) {
      channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
    }
  }
}
