import Models
import SCIM

/// What a batch has to see before it can be decided: the rows to load and lock, and the names to reserve.
struct WriteSet: Sendable, Equatable {
  var workspaces: Set<WorkspaceID> = []
  var slugs: Set<String> = []
  /// Workspaces whose settings are written, with those of their own roles that every such command leaves them.
  var keptRoles: [WorkspaceID: Set<String>] = [:]
  var domains: Set<String> = []
  var commands: Set<ResourceKey> = []
  var users: Set<ResourceKey> = []
  var groups: Set<ResourceKey> = []
  var tokens: Set<ResourceKey> = []
  /// Tokens and links that sessions are opened with.
  var openers: Set<ResourceKey> = []
  var tokenDays: Set<TokenDay> = []
  var userNames: Set<NameKey> = []
  var emails: Set<NameKey> = []
  var groupNames: Set<NameKey> = []
  /// Memberships that a command names.
  var memberships: Set<MembershipKey> = []
  /// Groups whose whole membership a command replaces.
  var replacedGroups: Set<ResourceKey> = []
  /// Groups that may lose members, and those of them that a command deletes.
  var shrinkingGroups: Set<ResourceKey> = []
  var deletedGroups: Set<ResourceKey> = []
  /// The names of groups that are to be made.
  var createdGroups: Set<NameKey> = []
  /// The names of users that are to be made with an `externalId`, which are these.
  var createdUsers: [NameKey: Set<String>] = [:]
  /// The users whom a command gives a name, by that name.
  var renamedUsers: [NameKey: Set<ResourceKey>] = [:]
  /// Where people may be disabled or deleted.
  var deactivating: Set<WorkspaceID> = []
  /// Parts of groups whose every member a command asks for.
  var memberRanges: Set<MemberRangeKey> = []

  init() {}

  init(of commands: some Sequence<ParsedCommand>) {
    for command in commands { insert(command) }
  }

  /// Whether a batch with `other` has to wait for one with these.
  ///
  /// What exists is guarded by row locks and names by name locks; this is about what a batch in flight may be creating.
  func overlaps(_ other: WriteSet) -> Bool {
    !users.isDisjoint(with: other.users) || !groups.isDisjoint(with: other.groups) || !userNames.isDisjoint(with: other.userNames)
      || !emails.isDisjoint(with: other.emails) || !groupNames.isDisjoint(with: other.groupNames)
      || !commands.isDisjoint(with: other.commands)
      || !slugs.isDisjoint(with: other.slugs) || !domains.isDisjoint(with: other.domains) || !allTokens.isDisjoint(with: other.allTokens)
      || createsOrUsesWorkspace(other)
      || memberships.contains { other.users.contains(ResourceKey(workspace: $0.group.workspace, id: $0.user.resource)) }
      || other.memberships.contains { users.contains(ResourceKey(workspace: $0.group.workspace, id: $0.user.resource)) }
  }

  /// Whatever is looked at of the tokens.
  var allTokens: Set<ResourceKey> { openers.isEmpty ? tokens : tokens.union(openers) }

  private func createsOrUsesWorkspace(_ other: WriteSet) -> Bool {
    (!slugs.isEmpty || !other.slugs.isEmpty) && !workspaces.isDisjoint(with: other.workspaces)
  }

  private mutating func insert(_ parsed: ParsedCommand) {
    let command = parsed.command
    workspaces.insert(command.workspace)
    commands.insert(ResourceKey(workspace: command.workspace, id: ResourceID(command.id.uuid)))
    parsed.payload.addKeys(of: command, to: &self)
  }
}
