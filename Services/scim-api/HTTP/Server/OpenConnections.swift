import NIOCore
import Synchronization

/// The connections that are open, so that they can be closed in good order.
final class OpenConnections: Sendable {
  private struct State {
    var channels: [ObjectIdentifier: any Channel] = [:]
    var isDraining = false
  }

  private let state = Mutex(State())

  var count: Int { state.withLock { $0.channels.count } }
  /// Whether each connection is to be closed behind its next response.
  var isDraining: Bool { state.withLock { $0.isDraining } }

  func add(_ channel: any Channel) {
    state.withLock { $0.channels[ObjectIdentifier(channel)] = channel }
  }

  func remove(_ channel: any Channel) {
    state.withLock { _ = $0.channels.removeValue(forKey: ObjectIdentifier(channel)) }
  }

  func startDraining() {
    state.withLock { $0.isDraining = true }
  }

  /// Waits until all connections are closed, at most for `patience`, then closes each that is idle now or once its request is
  /// answered. Those are waited for by whoever handles them.
  func drain(within patience: Duration) async {
    let end = ContinuousClock.now + patience
    while count > 0, ContinuousClock.now < end {
      do {
        try await Task.sleep(for: .milliseconds(20))
      } catch {
        // Cancelled: no more patience.
        break
      }
    }
    for channel in state.withLock({ Array($0.channels.values) }) {
      channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
    }
  }
}
