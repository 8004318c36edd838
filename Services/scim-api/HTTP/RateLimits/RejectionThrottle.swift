import Models
import ServiceLifecycle
import Synchronization

/// Delays the 429 responses of clients that keep sending over their limit: after a burst, they are sent at a fixed rate.
///
/// A single rejection is cheap, but tens of thousands per second use up the CPU. While a rejection is delayed, its connection is not read,
/// so a client cannot send faster than it is rejected.
final class RejectionThrottle: Sendable {
  /// The client that is rejected.
  enum Sender: Sendable, Hashable {
    case workspace(WorkspaceID)
    case address(ClientAddress)
  }

  private struct State {
    var buckets: Buckets<Sender>
    var held = 0
  }

  private let state: Mutex<State>
  private let maximumHold: Double
  private let maximumHeld: Int

  /// - Parameters:
  ///   - rate: the rejections per sender that are sent without delay.
  ///   - maximumHold: the maximum delay, in seconds.
  ///   - maximumHeld: the maximum number of delayed rejections; further ones are sent immediately, since each takes memory.
  init(_ rate: Rate, maximumHold: Double, maximumHeld: Int = 2000) {
    state = Mutex(State(buckets: Buckets(rate, maximum: 20_000)))
    self.maximumHold = maximumHold
    self.maximumHeld = maximumHeld
  }

  /// Waits until the next rejection of `sender` is due. Graceful shutdown and cancellation end the wait.
  func hold(_ sender: Sender, at now: Double) async {
    let seconds = begin(sender, at: now)
    guard seconds > 0 else { return }
    defer { state.withLock { $0.held -= 1 } }
    do {
      try await cancelWhenGracefulShutdown { try await Task.sleep(for: .seconds(seconds)) }
    } catch {
      // Shutdown or cancellation: the rejection is sent now.
    }
  }

  /// The number of delayed rejections.
  var heldCount: Int { state.withLock { $0.held } }

  /// The delay of a rejection, in seconds; it counts towards ``heldCount`` if it is not 0.
  private func begin(_ sender: Sender, at now: Double) -> Double {
    state.withLock { state in
      guard state.held < maximumHeld else { return 0 }
      let seconds = state.buckets.reserve(of: sender, at: now, within: maximumHold)
      if seconds > 0 { state.held += 1 }
      return seconds
    }
  }
}
