import Foundation
import Models

extension WorkingSet {
  /// The changes to write.
  struct Changes: Sendable {
    var insertedUsers: Set<ResourceKey> = []
    var updatedUsers: Set<ResourceKey> = []
    var deletedUsers: Set<ResourceKey> = []
    var insertedGroups: Set<ResourceKey> = []
    var updatedGroups: Set<ResourceKey> = []
    var deletedGroups: Set<ResourceKey> = []
    var insertedTombstones: Set<ResourceKey> = []
    var writtenWorkspaces: Set<WorkspaceID> = []
    /// Workspaces whose domains changed.
    var changedDomains: Set<WorkspaceID> = []
    var writtenTokens: Set<ResourceKey> = []
    var tokenUses: [TokenDay: [String: TokenUse]] = [:]
    var writtenWebhooks: [WebhookID: WebhookRecord] = [:]
    var insertedSignIns: Set<NameKey> = []
    var consumedSignIns: Set<NameKey> = []
    /// By the key of the held change.
    var writtenHeldChanges: [ResourceKey: HeldChangeRecord] = [:]
    var deactivations: Set<ResourceKey> = []
    /// Departures to add to the stored counts.
    var departures: [ResourceKey: Departures] = [:]
    /// By the command that requested it.
    var rebuilds: [CommandID: Rebuild] = [:]
    /// Users and groups that an identity provider pushed, even if nothing changed.
    var pushes: Set<ResourceKey> = []
  }

  /// Token uses to add to the stored counts.
  struct TokenUse: Sendable, Equatable {
    var count: Int64
    var lastUsedAt: Date
  }
}
