import Models
import ServiceLifecycle
import Synchronization

/// Answers whoever goes on sending beyond their limit slowly: a few refusals at once, the others at a rate.
///
/// A refusal costs little, but tens of thousands a second take the processor from everybody else. While one is held nothing more is read of its
/// connection, so that a client can send no faster than it is refused.
final class RejectionThrottle: Sendable {
  /// Who is refused.
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
  ///   - rate: of the refusals of each sender.
  ///   - maximumHold: how many seconds one is held at most.
  ///   - maximumHeld: how many are held at once; those beyond are answered at once, since each takes memory.
  init(_ rate: Rate, maximumHold: Double, maximumHeld: Int = 2000) {
    state = Mutex(State(buckets: Buckets(rate, maximum: 20_000)))
    self.maximumHold = maximumHold
    self.maximumHeld = maximumHeld
  }

  /// Waits until the next refusal of `sender` is due. The end of the process, or of the task, ends the wait.
  func hold(_ sender: Sender, at now: Double) async {
    let seconds = begin(sender, at: now)
    guard seconds > 0 else { return }
    defer { state.withLock { $0.held -= 1 } }
    do {
      try await cancelWhenGracefulShutdown { try await Task.sleep(for: .seconds(seconds)) }
    } catch {
      // Cut short: the refusal goes out now.
    }
  }

  /// How many are held now.
  var heldCount: Int { state.withLock { $0.held } }

  /// For how many seconds the refusal is held; where that is none it takes no place.
  private func begin(_ sender: Sender, at now: Double) -> Double {
    state.withLock { state in
      guard state.held < maximumHeld else { return 0 }
      let seconds = state.buckets.reserve(of: sender, at: now, within: maximumHold)
      if seconds > 0 { state.held += 1 }
      return seconds
    }
  }
}
