import Models
import SCIM

/// The keys of the rows and names that a batch loads and locks.
struct WriteSet: Sendable, Equatable {
  var workspaces: Set<WorkspaceID> = []
  var slugs: Set<String> = []
  /// Workspaces whose settings are written, with the custom roles that all these commands keep.
  var keptRoles: [WorkspaceID: Set<String>] = [:]
  var domains: Set<String> = []
  var commands: Set<ResourceKey> = []
  /// The commands of which a caller waits for the reply.
  var awaited: Set<CommandID> = []
  var users: Set<ResourceKey> = []
  var groups: Set<ResourceKey> = []
  /// Users and groups that are created. They have no rows to load.
  var created: Set<ResourceKey> = []
  var tokens: Set<ResourceKey> = []
  /// Tokens and links that open sessions.
  var openers: Set<ResourceKey> = []
  var tokenDays: Set<TokenDay> = []
  /// Workspaces, or the deployment, whose webhook endpoints are loaded.
  var webhookOwners: Set<WorkspaceID> = []
  var userNames: Set<NameKey> = []
  var emails: Set<NameKey> = []
  var groupNames: Set<NameKey> = []
  /// Memberships that commands name.
  var memberships: Set<MembershipKey> = []
  /// Groups whose members are all replaced.
  var replacedGroups: Set<ResourceKey> = []
  /// Groups that may lose members.
  var shrinkingGroups: Set<ResourceKey> = []
  /// Groups that are deleted.
  var deletedGroups: Set<ResourceKey> = []
  /// The names of groups that are created.
  var createdGroups: Set<NameKey> = []
  /// The names of users that are created with an `externalId`, and those ids.
  var createdUsers: [NameKey: Set<String>] = [:]
  /// Existing users that get a name, by that name.
  var renamedUsers: [NameKey: Set<ResourceKey>] = [:]
  /// Workspaces in which users may be disabled or deleted.
  var deactivating: Set<WorkspaceID> = []
  /// Workspaces in which users may be enabled, which takes seats.
  var seating: Set<WorkspaceID> = []
  /// Workspaces in which users are created.
  var enrolling: Set<WorkspaceID> = []
  /// Workspaces in which users are disabled or deleted.
  var disabling: Set<WorkspaceID> = []
  /// Workspaces that get settings with a seat limit.
  var limitingSeats: Set<WorkspaceID> = []
  /// Existing users that may get another role, be disabled or be deleted.
  var rewritten: Set<ResourceKey> = []
  /// Addresses that commands give to users, by which imported accounts are looked up.
  var accountEmails: Set<NameKey> = []
  /// External ids and account ids by which imported accounts are looked up.
  var accountIDs: Set<NameKey> = []
  /// Workspaces whose mail domains or imported accounts are written, which any other command may read.
  var exclusive: Set<WorkspaceID> = []
  /// Imports that are staged, and whether they are started.
  var accountImports: [ResourceKey: Bool] = [:]
  /// Workspaces that are imported from a file.
  var workspaceImports: Set<WorkspaceID> = []
  /// Mail domains that are changed.
  var mailDomains: Set<String> = []
  /// Workspaces whose mail domains are changed.
  var lockedWorkspaces: Set<WorkspaceID> = []
  /// Member ranges that are loaded completely.
  var memberRanges: Set<MemberRangeKey> = []

  init() {}

  init(of commands: some Sequence<ParsedCommand>) {
    for command in commands { insert(command) }
  }

  /// Whether a batch with the keys `other` must wait for a running batch with these keys.
  ///
  /// Row locks protect existing rows, and name locks protect names. This check is for rows that the running batch may be creating.
  func overlaps(_ other: WriteSet) -> Bool {
    let (resources, others) = (resources, other.resources)
    return !resources.isDisjoint(with: others) || !userNames.isDisjoint(with: other.userNames)
      || !emails.isDisjoint(with: other.emails) || !groupNames.isDisjoint(with: other.groupNames)
      || !commands.isDisjoint(with: other.commands)
      || !slugs.isDisjoint(with: other.slugs) || !domains.isDisjoint(with: other.domains) || !allTokens.isDisjoint(with: other.allTokens)
      || !webhookOwners.isDisjoint(with: other.webhookOwners)
      || createsOrUsesWorkspace(other)
      || sharesAccounts(with: other)
      || memberships.contains { others.contains(ResourceKey(workspace: $0.group.workspace, id: $0.user.resource)) }
      || other.memberships.contains { resources.contains(ResourceKey(workspace: $0.group.workspace, id: $0.user.resource)) }
  }

  /// The users and groups that the batch reads or writes.
  private var resources: Set<ResourceKey> { users.union(groups).union(created) }

  /// The tokens to load.
  var allTokens: Set<ResourceKey> { openers.isEmpty ? tokens : tokens.union(openers) }

  /// Whether one of the batches writes mail domains or imported accounts that the other may read.
  private func sharesAccounts(with other: WriteSet) -> Bool {
    if !exclusive.isDisjoint(with: other.workspaces) || !workspaces.isDisjoint(with: other.exclusive) { return true }
    if !workspaceImports.isDisjoint(with: other.workspaceImports) { return true }
    return !mailDomains.isDisjoint(with: other.mailDomains) || accountImports.keys.contains { other.accountImports[$0] != nil }
  }

  private func createsOrUsesWorkspace(_ other: WriteSet) -> Bool {
    (!slugs.isEmpty || !other.slugs.isEmpty) && !workspaces.isDisjoint(with: other.workspaces)
  }

  private mutating func insert(_ parsed: ParsedCommand) {
    let command = parsed.command
    workspaces.insert(command.workspace)
    commands.insert(ResourceKey(workspace: command.workspace, id: ResourceID(command.id.uuid)))
    if command.replyTo != nil { awaited.insert(command.id) }
    parsed.payload.addKeys(of: command, to: &self)
  }
}

extension WriteSet {
  /// The advisory locks for the names of a batch, sorted, so that all processes take them in the same order.
  ///
  /// Two names may share a lock, which only costs waiting time.
  var nameLocks: [Int64] {
    var locks = Set<Int64>()
    // A userName can be the address of a sign-in, so both share a namespace.
    for name in userNames.union(emails) { locks.insert(Self.lock("user", name)) }
    for name in groupNames { locks.insert(Self.lock("group", name)) }
    for slug in slugs { locks.insert(Self.lock("slug", slug.utf8)) }
    for domain in domains { locks.insert(Self.lock("domain", domain.utf8)) }
    for domain in mailDomains { locks.insert(Self.lock("mail domain", domain.utf8)) }
    // Their number is limited, so their writers wait for each other.
    for owner in webhookOwners { locks.insert(Self.lock("webhooks", owner.bytes)) }
    return locks.sorted()
  }

  private static func lock(_ space: String, _ name: NameKey) -> Int64 {
    lock(space, name.workspace.bytes + Array(name.name.utf8))
  }

  /// FNV-1a, 64 bits. Unlike `Hasher` it is the same in every process.
  private static func lock(_ space: String, _ bytes: some Sequence<UInt8>) -> Int64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in Array(space.utf8) + [0] + bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    return Int64(bitPattern: hash)
  }
}
