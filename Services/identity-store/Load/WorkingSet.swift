import Foundation
import Models

/// The state in memory that a batch is decided against: the loaded rows, with the changes decided so far.
struct WorkingSet: Sendable {
  private(set) var workspaces: [WorkspaceID: WorkspaceRecord] = [:]
  private(set) var users: [ResourceKey: UserRecord] = [:]
  private(set) var groups: [ResourceKey: GroupRecord] = [:]
  private(set) var tokens: [ResourceKey: TokenRecord] = [:]
  private var webhooks: [WorkspaceID: [WebhookID: WebhookRecord]] = [:]
  /// The owners of the domains that commands name.
  private(set) var domains: [String: WorkspaceID] = [:]
  /// The slugs of the domain owners.
  private(set) var domainOwnerSlugs: [WorkspaceID: String] = [:]
  /// The number of users with each custom role that a command removes.
  private(set) var usersInRole: [WorkspaceID: [String: Int]] = [:]
  /// The client addresses of each token and day.
  private(set) var addresses: [TokenDay: Set<String>] = [:]
  private(set) var members: [ResourceKey: GroupMembers] = [:]
  private(set) var tombstones: [ResourceKey: Tombstone] = [:]
  private(set) var earlySignIns: [NameKey: Date] = [:]
  /// Recorded replies, by command.
  private(set) var replies: [CommandID: Reply] = [:]
  /// The live users with the name of a deleted user, by the key of the deleted user.
  private(set) var successors: [ResourceKey: UserRecord] = [:]
  /// Workspaces that have current held changes of any resource.
  private(set) var workspacesWithHeldChanges: Set<WorkspaceID> = []
  /// The current held changes, by resource.
  private(set) var heldChanges: [ResourceKey: HeldChangeRecord] = [:]
  /// The number of recent deactivations, including this batch.
  private(set) var recentDeactivations: [WorkspaceID: Int] = [:]
  /// The seats taken in workspaces with a limit, including this batch.
  var seats: [WorkspaceID: Int] = [:]
  /// Whether workspaces have active admins besides the loaded users.
  var hasOtherAdmins: [WorkspaceID: Bool] = [:]
  /// Recent departures from guarded groups.
  private(set) var departures: [ResourceKey: Departures] = [:]
  /// Workspaces that have imported accounts.
  private(set) var workspacesWithAccounts: Set<WorkspaceID> = []
  private(set) var accounts = LoadedAccounts()
  private(set) var accountImports: [ResourceKey: AccountImportRecord] = [:]
  private(set) var workspaceImports: [WorkspaceID: WorkspaceImportRecord] = [:]
  /// The owners of the verified mail domains that commands name.
  private(set) var mailDomainOwners: [String: WorkspaceID] = [:]
  /// Existing users that commands name as members.
  private var knownUsers: Set<ResourceKey> = []

  private var usersByName: [NameKey: ResourceKey] = [:]
  private var groupsByName: [NameKey: Set<ResourceKey>] = [:]
  private var workspacesBySlug: [String: WorkspaceID] = [:]

  private(set) var changes = Changes()

  // MARK: Load

  mutating func load(_ workspace: WorkspaceRecord, hasHeldChanges: Bool = false, hasAccounts: Bool = false) {
    workspaces[workspace.id] = workspace
    workspacesBySlug[workspace.settings.slug] = workspace.id
    if hasHeldChanges { workspacesWithHeldChanges.insert(workspace.id) }
    if hasAccounts { workspacesWithAccounts.insert(workspace.id) }
  }

  mutating func load(_ user: UserRecord) {
    users[user.key] = user
    usersByName[user.nameKey] = user.key
    // A user that is not re-keyed yet is also found by the current key, unless another user has that key.
    if user.storedNameKey != nil, usersByName[user.ownNameKey].flatMap({ users[$0] }) == nil { usersByName[user.ownNameKey] = user.key }
  }

  mutating func load(_ group: GroupRecord) {
    groups[group.key] = group
    // A group that is stored under this key takes precedence over one that only has the name.
    let others = (groupsByName[group.nameKey] ?? []).filter { groups[$0]?.nameKey == group.nameKey }
    groupsByName[group.nameKey] = others.union([group.key])
    if group.storedNameKey != nil, groupsByName[group.ownNameKey, default: []].isEmpty {
      groupsByName[group.ownNameKey] = [group.key]
    }
  }

  mutating func load(_ account: AccountRecord) { accounts.insert(account) }
  mutating func load(_ accountImport: AccountImportRecord) { accountImports[accountImport.key] = accountImport }
  mutating func load(_ workspaceImport: WorkspaceImportRecord) { workspaceImports[workspaceImport.workspace] = workspaceImport }
  mutating func loadMailDomain(_ domain: String, of workspace: WorkspaceID) { mailDomainOwners[domain] = workspace }

  mutating func load(_ token: TokenRecord) { tokens[token.key] = token }
  mutating func load(_ webhook: WebhookRecord) { webhooks[webhook.endpoint.workspace, default: [:]][webhook.endpoint.id] = webhook }
  mutating func loadDomain(_ domain: String, of workspace: WorkspaceID, slug: String) {
    domains[domain] = workspace
    domainOwnerSlugs[workspace] = slug
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
    members[key.group, default: GroupMembers()].load(key.user, isMember: isMember)
    if isUser { knownUsers.insert(ResourceKey(workspace: key.group.workspace, id: key.user.resource)) }
  }

  // MARK: Read

  func user(named name: NameKey) -> UserRecord? { usersByName[name].flatMap { users[$0] } }
  /// The groups with this name. There may be several if the workspace allows duplicate names, or did so earlier.
  func groups(named name: NameKey) -> [GroupRecord] { (groupsByName[name] ?? []).sorted().compactMap { groups[$0] } }
  func workspace(withSlug slug: String) -> WorkspaceRecord? { workspacesBySlug[slug].flatMap { workspaces[$0] } }

  /// The disabled user with this `externalId` and primary address; the earliest if there are several.
  func disabledUser(externalID: String, email: NameKey, in workspace: WorkspaceID) -> UserRecord? {
    users.values.filter {
      $0.key.workspace == workspace && $0.externalID == externalID && $0.state == .disabled && $0.emailKey == email
    }.min { $0.key < $1.key }
  }

  /// The current held change that takes the access of a user away.
  func heldDeactivation(of user: ResourceKey) -> HeldChangeRecord? {
    heldChanges[user].flatMap { $0.kind.disablesUser ? $0 : nil }
  }

  /// The groups of a user, among the loaded memberships.
  func groups(of user: ResourceKey) -> [ResourceKey] {
    members.filter { $0.key.workspace == user.workspace && $0.value.contains(user.id.user) }.map(\.key).sorted()
  }

  /// The user who signs in with `email`, by `userName` or, if none has it, by address; the earliest if several share the address.
  func user(signingInWith email: NameKey) -> UserRecord? {
    user(named: email) ?? users.values.filter { $0.emailKey == email }.min { $0.key < $1.key }
  }

  /// The valid successor of a token.
  func successor(of token: TokenRecord, at now: Date) -> TokenRecord? {
    tokens.values.filter { $0.key.workspace == token.key.workspace && $0.predecessor == token.id && $0.isValid(at: now) }.min {
      $0.key < $1.key
    }
  }

  /// A webhook endpoint, even if it is deleted.
  func webhook(_ id: WebhookID, of workspace: WorkspaceID) -> WebhookRecord? { webhooks[workspace]?[id] }
  /// The webhook endpoints of a workspace or of the deployment, deleted ones included, by id.
  func webhooks(of workspace: WorkspaceID) -> [WebhookRecord] {
    (webhooks[workspace] ?? [:]).sorted { $0.key < $1.key }.map(\.value)
  }

  /// The number of users with a custom role, including the changes of this batch.
  func users(in role: String, of workspace: WorkspaceID) -> Int {
    let written = changes.insertedUsers.union(changes.updatedUsers)
    let given = written.filter { $0.workspace == workspace && users[$0]?.role == role }.count
    return max(usersInRole[workspace]?[role] ?? 0, given)
  }

  func userExists(_ user: UserID, in workspace: WorkspaceID) -> Bool {
    let key = ResourceKey(workspace: workspace, id: user.resource)
    return !changes.deletedUsers.contains(key) && (users[key] != nil || knownUsers.contains(key))
  }

  // MARK: Change

  mutating func insert(_ user: UserRecord) {
    countSeats(from: nil, to: user)
    load(user)
    changes.insertedUsers.insert(user.key)
  }

  mutating func update(_ user: UserRecord) {
    countSeats(from: users[user.key], to: user)
    removeNames(of: users[user.key])
    load(user)
    if !changes.insertedUsers.contains(user.key) { changes.updatedUsers.insert(user.key) }
  }

  mutating func delete(_ user: UserRecord, leaving tombstone: Tombstone) {
    countSeats(from: users[user.key], to: nil)
    removeNames(of: user)
    users[user.key] = nil
    for group in members.keys where group.workspace == user.key.workspace { members[group]?.removeDeleted(user.id) }
    if changes.insertedUsers.remove(user.key) == nil { changes.deletedUsers.insert(user.key) }
    changes.updatedUsers.remove(user.key)
    insert(tombstone)
  }

  mutating func insert(_ group: GroupRecord) {
    load(group)
    changes.insertedGroups.insert(group.key)
  }

  mutating func update(_ group: GroupRecord) {
    removeNames(of: groups[group.key])
    load(group)
    if !changes.insertedGroups.contains(group.key) { changes.updatedGroups.insert(group.key) }
  }

  mutating func delete(_ group: GroupRecord, leaving tombstone: Tombstone) {
    removeNames(of: groups[group.key])
    groups[group.key] = nil
    members[group.key] = nil
    if changes.insertedGroups.remove(group.key) == nil { changes.deletedGroups.insert(group.key) }
    changes.updatedGroups.remove(group.key)
    insert(tombstone)
  }

  /// Changes the members of a group.
  mutating func withMembers<Result>(of group: ResourceKey, _ body: (inout GroupMembers) -> Result) -> Result {
    body(&members[group, default: GroupMembers()])
  }

  mutating func write(_ workspace: WorkspaceRecord) {
    let former = workspaces[workspace.id]?.settings
    if let slug = former?.slug { workspacesBySlug[slug] = nil }
    if former?.customDomains ?? [] != workspace.settings.customDomains { changes.changedDomains.insert(workspace.id) }
    for domain in former?.customDomains ?? [] where domains[domain] == workspace.id { domains[domain] = nil }
    for domain in workspace.settings.customDomains { domains[domain] = workspace.id }
    if former?.verifiedDomains ?? [] != workspace.settings.verifiedDomains { changes.changedMailDomains.insert(workspace.id) }
    for domain in former?.verifiedDomains ?? [] where mailDomainOwners[domain] == workspace.id { mailDomainOwners[domain] = nil }
    for domain in workspace.settings.verifiedDomains { mailDomainOwners[domain] = workspace.id }
    load(workspace)
    changes.writtenWorkspaces.insert(workspace.id)
  }

  mutating func write(_ token: TokenRecord) {
    load(token)
    changes.writtenTokens.insert(token.key)
  }

  mutating func write(_ webhook: WebhookRecord) {
    load(webhook)
    changes.writtenWebhooks[webhook.endpoint.id] = webhook
  }

  mutating func write(_ change: HeldChangeRecord) {
    changes.writtenHeldChanges[change.key] = change
    if change.isCurrent {
      heldChanges[change.resource] = change
    } else if heldChanges[change.resource]?.id == change.id {
      heldChanges[change.resource] = nil
    }
  }

  /// Counts a deactivation; each user once per batch.
  mutating func countDeactivation(of user: ResourceKey) {
    if changes.deactivations.insert(user).inserted { recentDeactivations[user.workspace, default: 0] += 1 }
  }

  /// The departures from a group within the window of the change guard.
  ///
  /// - Parameter before: The members before the command.
  func departures(from group: ResourceKey, of before: GroupMembers) -> Departures {
    // A group that this batch creates has no stored members.
    var known = departures[group] ?? Departures()
    known.present += before.balance
    if known.count == 0 { known.members = known.present }
    return known
  }

  /// Counts members who left a group.
  ///
  /// - Parameter before: The departures before that.
  mutating func countDepartures(_ count: Int, from group: ResourceKey, before: Departures) {
    guard count > 0 else { return }
    departures[group, default: Departures()].count += count
    departures[group]?.members = before.members
    changes.departures[group, default: Departures(members: before.members)].count += count
  }

  /// Counts uses of a token by address. Addresses beyond `maximumAddresses` are counted under the empty address.
  mutating func count(_ use: TokenUse, from address: String, on day: TokenDay, maximumAddresses: Int) {
    var known = addresses[day] ?? []
    let isTracked = known.contains(address) || known.subtracting([""]).count < maximumAddresses
    let key = isTracked ? address : ""
    known.insert(key)
    addresses[day] = known
    let before = changes.tokenUses[day]?[key]
    changes.tokenUses[day, default: [:]][key] = TokenUse(
      count: (before?.count ?? 0) + use.count, lastUsedAt: max(before?.lastUsedAt ?? use.lastUsedAt, use.lastUsedAt))
  }

  mutating func storeEarlySignIn(_ key: NameKey, at time: Date) {
    earlySignIns[key] = time
    changes.consumedSignIns.remove(key)
    changes.insertedSignIns.insert(key)
  }

  mutating func consumeEarlySignIn(_ key: NameKey) {
    earlySignIns[key] = nil
    changes.insertedSignIns.remove(key)
    changes.consumedSignIns.insert(key)
  }

  mutating func write(_ account: AccountRecord) {
    accounts.insert(account)
    changes.deletedAccounts.remove(account.key)
    changes.writtenAccounts.insert(account.key)
  }

  mutating func deleteAccount(_ key: NameKey) {
    accounts.remove(key)
    changes.writtenAccounts.remove(key)
    changes.deletedAccounts.insert(key)
  }

  /// Removes the link from an account, which need not be loaded, to a user.
  mutating func unlinkAccount(_ key: NameKey, from user: UserID) {
    guard var account = accounts[key] else {
      changes.unlinkedAccounts[key] = user
      return
    }
    guard account.user == user else { return }
    account.user = nil
    write(account)
  }

  mutating func start(_ accountImport: AccountImportRecord, lines: Int) {
    accountImports[accountImport.key] = accountImport
    changes.startedImports[accountImport.key] = lines
  }

  mutating func stage(_ part: AccountStaging, in workspace: WorkspaceID, by actor: String) {
    let key = ResourceKey(workspace: workspace, id: ResourceID(part.importID.uuid))
    if accountImports[key] == nil { accountImports[key] = AccountImportRecord(key: key, status: .staging, stagedLines: 0) }
    accountImports[key]?.stagedLines += part.lines.count
    changes.stagedParts[key, default: StagedLines(actor: actor)].lines += part.lines
  }

  /// Records that a chunk of an import is applied.
  mutating func advance(_ accountImport: ResourceKey, to line: Int, linked: Int) {
    let before = changes.importProgress[accountImport] ?? ImportProgress()
    changes.importProgress[accountImport] = ImportProgress(line: max(before.line, line), linked: before.linked + linked)
  }

  mutating func stage(_ part: WorkspaceImportPart, of workspace: WorkspaceID, by actor: String) {
    var record = WorkspaceImportRecord(workspace: workspace, id: part.importID, status: .staging, stagedParts: 0)
    if let known = workspaceImports[workspace], known.id == part.importID { record = known }
    record.stagedParts += 1
    workspaceImports[workspace] = record
    changes.stagedWorkspaceParts.append(WorkingSet.StagedPart(workspace: workspace, part: part, actor: actor))
  }

  mutating func start(_ start: WorkspaceImportStart, of workspace: WorkspaceID) {
    workspaceImports[workspace]?.status = .waiting
    changes.startedWorkspaceImports[workspace] = start
  }

  /// Records that a part of a workspace's file is applied.
  mutating func advanceImport(of workspace: WorkspaceID, to part: Int) { changes.workspaceImportPositions[workspace] = part }

  mutating func request(_ rebuild: Rebuild, as id: CommandID) { changes.rebuilds[id] = rebuild }

  mutating func requestErasure(of user: ResourceKey, by actor: Command.Actor) { changes.erasures[user] = actor }

  mutating func recordPush(of key: ResourceKey) { changes.pushes.insert(key) }

  mutating func record(_ reply: Reply) { replies[reply.command] = reply }

  private mutating func removeNames(of user: UserRecord?) {
    guard let user else { return }
    for name in [user.nameKey, user.ownNameKey] where usersByName[name] == user.key { usersByName[name] = nil }
  }

  private mutating func removeNames(of group: GroupRecord?) {
    guard let group else { return }
    for name in [group.nameKey, group.ownNameKey] { groupsByName[name]?.remove(group.key) }
  }

  private mutating func insert(_ tombstone: Tombstone) {
    tombstones[tombstone.key] = tombstone
    changes.insertedTombstones.insert(tombstone.key)
  }
}
