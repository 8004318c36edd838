import Foundation
import Models

/// The state that a batch is decided against: what is stored of what it touches, and what the batch has changed so far.
struct WorkingSet: Sendable {
  private(set) var workspaces: [WorkspaceID: WorkspaceRecord] = [:]
  private(set) var users: [ResourceKey: UserRecord] = [:]
  private(set) var groups: [ResourceKey: GroupRecord] = [:]
  private(set) var tokens: [ResourceKey: TokenRecord] = [:]
  /// The workspaces that have the domains that a batch names.
  private(set) var domains: [String: WorkspaceID] = [:]
  /// The slugs of those workspaces.
  private(set) var domainHolders: [WorkspaceID: String] = [:]
  /// How many users have which role of the workspace's own, of those roles that a command takes away.
  private(set) var usersInRole: [WorkspaceID: [String: Int]] = [:]
  /// From where tokens were used on a day.
  private(set) var addresses: [TokenDay: Set<String>] = [:]
  private(set) var members: [ResourceKey: GroupMembers] = [:]
  private(set) var tombstones: [ResourceKey: Tombstone] = [:]
  private(set) var earlySignIns: [NameKey: Date] = [:]
  /// Replies recorded before, by command.
  private(set) var replies: [CommandID: Reply] = [:]
  /// The live user with the name that a deleted one had, by the deleted one's key.
  private(set) var successors: [ResourceKey: UserRecord] = [:]
  /// What stands of held changes, by the resource that they are of.
  private(set) var heldChanges: [ResourceKey: HeldChangeRecord] = [:]
  /// How many people were deactivated lately, this batch included.
  private(set) var recentDeactivations: [WorkspaceID: Int] = [:]
  /// Recent departures from groups that a guard watches.
  private(set) var departures: [ResourceKey: Departures] = [:]
  /// Users that are named as members, and exist.
  private var knownUsers: Set<ResourceKey> = []

  private var usersByName: [NameKey: ResourceKey] = [:]
  private var groupsByName: [NameKey: Set<ResourceKey>] = [:]
  private var workspacesBySlug: [String: WorkspaceID] = [:]

  private(set) var changes = Changes()

  /// What has to be written.
  struct Changes: Sendable {
    var insertedUsers: Set<ResourceKey> = []
    var updatedUsers: Set<ResourceKey> = []
    var deletedUsers: Set<ResourceKey> = []
    var insertedGroups: Set<ResourceKey> = []
    var updatedGroups: Set<ResourceKey> = []
    var deletedGroups: Set<ResourceKey> = []
    var insertedTombstones: Set<ResourceKey> = []
    var writtenWorkspaces: Set<WorkspaceID> = []
    /// Workspaces whose domains are not what they were.
    var movedDomains: Set<WorkspaceID> = []
    var writtenTokens: Set<ResourceKey> = []
    var tokenUses: [TokenDay: [String: TokenUse]] = [:]
    var insertedSignIns: Set<NameKey> = []
    var usedSignIns: Set<NameKey> = []
    /// By their own keys.
    var writtenHeldChanges: [ResourceKey: HeldChangeRecord] = [:]
    var deactivations: Set<ResourceKey> = []
    /// What is to be counted beside what is.
    var departures: [ResourceKey: Departures] = [:]
    /// By the commands that ask for them.
    var rebuilds: [CommandID: Rebuild] = [:]
    /// Users and groups that an identity provider has written, whether or not anything differed.
    var pushes: Set<ResourceKey> = []
  }

  /// Uses that are to be counted beside those that are.
  struct TokenUse: Sendable, Equatable {
    var count: Int64
    var lastUsedAt: Date
  }

  // MARK: What is loaded

  mutating func load(_ workspace: WorkspaceRecord) {
    workspaces[workspace.id] = workspace
    workspacesBySlug[workspace.settings.slug] = workspace.id
  }

  mutating func load(_ user: UserRecord) {
    users[user.key] = user
    usersByName[user.nameKey] = user.key
    // One that has not been re-keyed is found by its own key, too, unless another has that.
    if user.storedNameKey != nil, usersByName[user.ownNameKey].flatMap({ users[$0] }) == nil { usersByName[user.ownNameKey] = user.key }
  }

  mutating func load(_ group: GroupRecord) {
    groups[group.key] = group
    // A group that is stored under this key comes before one that only has the name.
    let others = (groupsByName[group.nameKey] ?? []).filter { groups[$0]?.nameKey == group.nameKey }
    groupsByName[group.nameKey] = others.union([group.key])
    if group.storedNameKey != nil, groupsByName[group.ownNameKey, default: []].isEmpty {
      groupsByName[group.ownNameKey] = [group.key]
    }
  }

  mutating func load(_ token: TokenRecord) { tokens[token.key] = token }
  mutating func loadDomain(_ domain: String, of workspace: WorkspaceID, slug: String) {
    domains[domain] = workspace
    domainHolders[workspace] = slug
  }
  mutating func loadUsers(_ count: Int, in role: String, of workspace: WorkspaceID) { usersInRole[workspace, default: [:]][role] = count }
  mutating func loadAddress(_ address: String, on day: TokenDay) { addresses[day, default: []].insert(address) }
  mutating func load(_ reply: Reply) { replies[reply.command] = reply }
  mutating func loadEarlySignIn(_ key: NameKey, at time: Date) { earlySignIns[key] = time }

  mutating func load(_ tombstone: Tombstone, successor: UserRecord?) {
    tombstones[tombstone.key] = tombstone
    successors[tombstone.key] = successor
  }

  mutating func load(_ change: HeldChangeRecord) { heldChanges[change.resource] = change }
  mutating func loadDeactivations(_ count: Int, in workspace: WorkspaceID) { recentDeactivations[workspace] = count }

  mutating func load(_ departed: Departures, of group: ResourceKey) { departures[group] = departed }

  mutating func loadMembership(_ key: MembershipKey, isMember: Bool, isUser: Bool) {
    members[key.group, default: GroupMembers()].know(key.user, isMember: isMember)
    if isUser { knownUsers.insert(ResourceKey(workspace: key.group.workspace, id: key.user.resource)) }
  }

  // MARK: What decisions ask

  func user(named name: NameKey) -> UserRecord? { usersByName[name].flatMap { users[$0] } }
  /// Several, where the workspace allows that or did.
  func groups(named name: NameKey) -> [GroupRecord] { (groupsByName[name] ?? []).sorted().compactMap { groups[$0] } }
  func workspace(withSlug slug: String) -> WorkspaceRecord? { workspacesBySlug[slug].flatMap { workspaces[$0] } }

  /// The disabled user with that `externalId` and that primary address, the earliest where there are several.
  func disabledUser(externalID: String, email: NameKey, in workspace: WorkspaceID) -> UserRecord? {
    users.values.filter {
      $0.key.workspace == workspace && $0.externalID == externalID && $0.state == .disabled && $0.emailKey == email
    }.min { $0.key < $1.key }
  }

  /// The groups that a user is in, as far as the memberships are known.
  func groups(of user: ResourceKey) -> [ResourceKey] {
    members.filter { $0.key.workspace == user.workspace && $0.value.contains(user.id.user) }.map(\.key).sorted()
  }

  /// The user that a sign-in with `email` is of: by user name, else by address, the earliest where several share it.
  func user(signingInWith email: NameKey) -> UserRecord? {
    user(named: email) ?? users.values.filter { $0.emailKey == email }.min { $0.key < $1.key }
  }

  /// The token that is to take the place of `token`, and lets in at `now`.
  func successor(of token: TokenRecord, at now: Date) -> TokenRecord? {
    tokens.values.filter { $0.key.workspace == token.key.workspace && $0.predecessor == token.id && $0.isGood(at: now) }.min {
      $0.key < $1.key
    }
  }

  /// How many users have that role of the workspace's own, those among them that the batch has given it.
  func users(in role: String, of workspace: WorkspaceID) -> Int {
    let written = changes.insertedUsers.union(changes.updatedUsers)
    let given = written.filter { $0.workspace == workspace && users[$0]?.role == role }.count
    return max(usersInRole[workspace]?[role] ?? 0, given)
  }

  func userExists(_ user: UserID, in workspace: WorkspaceID) -> Bool {
    let key = ResourceKey(workspace: workspace, id: user.resource)
    return !changes.deletedUsers.contains(key) && (users[key] != nil || knownUsers.contains(key))
  }

  // MARK: What decisions change

  mutating func insert(_ user: UserRecord) {
    load(user)
    changes.insertedUsers.insert(user.key)
  }

  mutating func update(_ user: UserRecord) {
    forgetNames(of: users[user.key])
    load(user)
    if !changes.insertedUsers.contains(user.key) { changes.updatedUsers.insert(user.key) }
  }

  mutating func delete(_ user: UserRecord, leaving tombstone: Tombstone) {
    forgetNames(of: user)
    users[user.key] = nil
    for group in members.keys where group.workspace == user.key.workspace { members[group]?.forget(user.id) }
    if changes.insertedUsers.remove(user.key) == nil { changes.deletedUsers.insert(user.key) }
    changes.updatedUsers.remove(user.key)
    bury(tombstone)
  }

  mutating func insert(_ group: GroupRecord) {
    load(group)
    changes.insertedGroups.insert(group.key)
  }

  mutating func update(_ group: GroupRecord) {
    forgetNames(of: groups[group.key])
    load(group)
    if !changes.insertedGroups.contains(group.key) { changes.updatedGroups.insert(group.key) }
  }

  mutating func delete(_ group: GroupRecord, leaving tombstone: Tombstone) {
    forgetNames(of: groups[group.key])
    groups[group.key] = nil
    members[group.key] = nil
    if changes.insertedGroups.remove(group.key) == nil { changes.deletedGroups.insert(group.key) }
    changes.updatedGroups.remove(group.key)
    bury(tombstone)
  }

  /// Changes the members of one group.
  mutating func withMembers<Result>(of group: ResourceKey, _ body: (inout GroupMembers) -> Result) -> Result {
    body(&members[group, default: GroupMembers()])
  }

  mutating func write(_ workspace: WorkspaceRecord) {
    let former = workspaces[workspace.id]?.settings
    if let slug = former?.slug { workspacesBySlug[slug] = nil }
    if former?.customDomains ?? [] != workspace.settings.customDomains { changes.movedDomains.insert(workspace.id) }
    for domain in former?.customDomains ?? [] where domains[domain] == workspace.id { domains[domain] = nil }
    for domain in workspace.settings.customDomains { domains[domain] = workspace.id }
    load(workspace)
    changes.writtenWorkspaces.insert(workspace.id)
  }

  mutating func write(_ token: TokenRecord) {
    load(token)
    changes.writtenTokens.insert(token.key)
  }

  mutating func write(_ change: HeldChangeRecord) {
    changes.writtenHeldChanges[change.key] = change
    if change.isStanding {
      heldChanges[change.resource] = change
    } else if heldChanges[change.resource]?.id == change.id {
      heldChanges[change.resource] = nil
    }
  }

  /// Counts someone who is disabled or deleted.
  mutating func countDeactivation(of user: ResourceKey) {
    if changes.deactivations.insert(user).inserted { recentDeactivations[user.workspace, default: 0] += 1 }
  }

  /// How many members left a group within the guard's window, and how many it had before.
  ///
  /// - Parameter before: the members before the command.
  func departures(from group: ResourceKey, of before: GroupMembers) -> Departures {
    // Of a group that the batch has made, storage has no members.
    var known = departures[group] ?? Departures()
    known.present += before.balance
    if known.count == 0 { known.members = known.present }
    return known
  }

  /// Counts members who have left a group.
  ///
  /// - Parameter before: as it was before that.
  mutating func countDepartures(_ count: Int, from group: ResourceKey, before: Departures) {
    guard count > 0 else { return }
    departures[group, default: Departures()].count += count
    departures[group]?.members = before.members
    changes.departures[group, default: Departures(members: before.members)].count += count
  }

  /// Counts uses of a token, those from beyond the addresses that are told apart under the empty one.
  mutating func count(_ use: TokenUse, from address: String, on day: TokenDay, maximumAddresses: Int) {
    var known = addresses[day] ?? []
    let isTold = known.contains(address) || known.subtracting([""]).count < maximumAddresses
    let place = isTold ? address : ""
    known.insert(place)
    addresses[day] = known
    let before = changes.tokenUses[day]?[place]
    changes.tokenUses[day, default: [:]][place] = TokenUse(
      count: (before?.count ?? 0) + use.count, lastUsedAt: max(before?.lastUsedAt ?? use.lastUsedAt, use.lastUsedAt))
  }

  mutating func rememberSignIn(_ key: NameKey, at time: Date) {
    earlySignIns[key] = time
    changes.usedSignIns.remove(key)
    changes.insertedSignIns.insert(key)
  }

  mutating func useSignIn(_ key: NameKey) {
    earlySignIns[key] = nil
    changes.insertedSignIns.remove(key)
    changes.usedSignIns.insert(key)
  }

  mutating func request(_ rebuild: Rebuild, as id: CommandID) { changes.rebuilds[id] = rebuild }

  mutating func recordPush(of key: ResourceKey) { changes.pushes.insert(key) }

  mutating func record(_ reply: Reply) { replies[reply.command] = reply }

  private mutating func forgetNames(of user: UserRecord?) {
    guard let user else { return }
    for name in [user.nameKey, user.ownNameKey] where usersByName[name] == user.key { usersByName[name] = nil }
  }

  private mutating func forgetNames(of group: GroupRecord?) {
    guard let group else { return }
    for name in [group.nameKey, group.ownNameKey] { groupsByName[name]?.remove(group.key) }
  }

  private mutating func bury(_ tombstone: Tombstone) {
    tombstones[tombstone.key] = tombstone
    changes.insertedTombstones.insert(tombstone.key)
  }
}
