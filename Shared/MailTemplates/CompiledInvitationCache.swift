import Models
import Synchronization

/// A bounded cache of compiled invitations, by workspace and language.
final class CompiledInvitationCache: Sendable {
  /// What an invitation is compiled for.
  struct Key: Hashable, Sendable {
    let version: WorkspaceNotice.Version
    /// The language preference of the recipient, as it was sent.
    let language: String?
    let isReminder: Bool
    let hasName: Bool
  }

  private struct State {
    /// An entry is nil if the templates cannot be compiled.
    var entries: [Key: CompiledInvitation?] = [:]
    var size = 0
  }

  private let state = Mutex(State())

  /// Returns the compiled invitation, compiled if necessary; nil if the templates cannot be compiled.
  func invitation(for key: Key, compile: () -> CompiledInvitation?) -> CompiledInvitation? {
    if let entry = state.withLock({ $0.entries[key] }) { return entry }
    let invitation = compile()
    let size = (invitation?.size ?? 0) + (key.language?.utf8.count ?? 0) + Self.overhead
    state.withLock { state in
      guard state.entries[key] == nil else { return }
      if state.size + size > Self.maximumSize { state = State() }
      state.entries[key] = .some(invitation)
      state.size += size
    }
    return invitation
  }

  /// The maximum size of all entries, in bytes: about 1,000 of the built-in layout.
  private static let maximumSize = 8 << 20
  /// The approximate size of an entry without its texts, in bytes.
  private static let overhead = 1 << 10
}
