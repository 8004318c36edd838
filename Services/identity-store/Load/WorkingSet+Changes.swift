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
    /// Deleted users whose remains are to be erased, and who requested it.
    var erasures: [ResourceKey: Command.Actor] = [:]
    /// Workspaces whose verified mail domains changed.
    var changedMailDomains: Set<WorkspaceID> = []
    var writtenAccounts: Set<NameKey> = []
    var deletedAccounts: Set<NameKey> = []
    /// Accounts that were not loaded, and the users whose links are removed.
    var unlinkedAccounts: [NameKey: UserID] = [:]
    /// Parts of imports to store.
    var stagedParts: [ResourceKey: StagedLines] = [:]
    /// Imports to start, with their numbers of lines.
    var startedImports: [ResourceKey: Int] = [:]
    var importProgress: [ResourceKey: ImportProgress] = [:]
    /// Parts of workspaces' files to store, in order.
    var stagedWorkspaceParts: [StagedPart] = []
    /// Imports of workspaces to start.
    var startedWorkspaceImports: [WorkspaceID: WorkspaceImportStart] = [:]
    /// The last parts that are applied.
    var workspaceImportPositions: [WorkspaceID: Int] = [:]
    /// Users and groups that an identity provider pushed, even if nothing changed.
    var pushes: Set<ResourceKey> = []
  }

  /// Lines of an import, and who imports them.
  struct StagedLines: Sendable, Equatable {
    var actor: String
    var lines: [AccountStaging.Line] = []
  }

  /// A part of a workspace's file, and who imports it.
  struct StagedPart: Sendable, Equatable {
    var workspace: WorkspaceID
    var part: WorkspaceImportPart
    var actor: String
  }

  /// What is applied of an import: the last line, and the number of users linked since the last transaction.
  struct ImportProgress: Sendable, Equatable {
    var line = 0
    var linked = 0
  }

  /// Token uses to add to the stored counts.
  struct TokenUse: Sendable, Equatable {
    var count: Int64
    var lastUsedAt: Date
  }
}
