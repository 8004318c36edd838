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

  init(of commands: some Sequence<ReadCommand>) {
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

  private mutating func insert(_ read: ReadCommand) {
    let workspace = read.command.workspace
    workspaces.insert(workspace)
    commands.insert(ResourceKey(workspace: workspace, id: ResourceID(read.command.id.uuid)))
    switch read.payload {
    case .createUser(let json), .replaceUser(let json):
      users.insert(read.key)
      insertUser(json, of: read)
      if case .object(let attributes) = json, attributes.value(forAttribute: "active") == .bool(false) { deactivating.insert(workspace) }
    case .patchUser(let patch):
      users.insert(read.key)
      deactivating.insert(workspace)
      for name in patch.mentionedNames {
        userNames.formUnion(NameKey.forms(of: name, in: workspace))
        renamedUsers[NameKey(workspace: workspace, comparing: name), default: []].insert(read.key)
      }
    case .deleteUser:
      users.insert(read.key)
      deactivating.insert(workspace)
    case .promoteUser(let signIn):
      if let user = signIn.user { users.insert(ResourceKey(workspace: workspace, id: user.resource)) }
      if let email = signIn.email { insertPerson(with: email, in: workspace) }
    case .createGroup(let json), .replaceGroup(let json):
      groups.insert(read.key)
      replacedGroups.insert(read.key)
      shrinkingGroups.insert(read.key)
      insertGroup(json, of: read)
    case .patchGroup(let patch):
      groups.insert(read.key)
      for name in patch.mentionedNames { groupNames.formUnion(NameKey.forms(of: name, in: workspace)) }
      for edit in patch.mentionedMemberEdits { insert(edit, of: read) }
    case .deleteGroup:
      groups.insert(read.key)
      shrinkingGroups.insert(read.key)
      deletedGroups.insert(read.key)
    case .createWorkspace(let settings), .updateWorkspace(let settings):
      slugs.insert(settings.slug)
      domains.formUnion(settings.customDomains)
      keptRoles[workspace] = keptRoles[workspace]?.intersection(settings.customRoles) ?? Set(settings.customRoles)
    case .orderInvitation(let order):
      if let user = order.user { users.insert(ResourceKey(workspace: workspace, id: user.resource)) }
    case .issueToken(let grant):
      tokens.insert(ResourceKey(workspace: workspace, id: grant.token.resource))
      if let opener = grant.openedWith { openers.insert(ResourceKey(workspace: workspace, id: opener.resource)) }
    case .revokeToken(let revocation):
      tokens.insert(ResourceKey(workspace: workspace, id: revocation.token.resource))
    case .decideHeldChange:
      users.insert(read.key)
      groups.insert(read.key)
      replacedGroups.insert(read.key)
    case .restate(let restatement):
      for user in restatement.users { users.insert(ResourceKey(workspace: workspace, id: user.resource)) }
      for part in restatement.groups {
        let group = ResourceKey(workspace: workspace, id: part.group.resource)
        groups.insert(group)
        memberRanges.insert(MemberRangeKey(group: group, range: part.range))
      }
    case .rotateToken(let rotation):
      tokens.insert(ResourceKey(workspace: workspace, id: rotation.token.resource))
      tokens.insert(ResourceKey(workspace: workspace, id: rotation.successor.resource))
    case .rotateSecret(let rotation):
      tokens.insert(ResourceKey(workspace: workspace, id: rotation.client.resource))
    case .recordTokenUses(let uses):
      for use in uses.uses {
        let token = ResourceKey(workspace: workspace, id: use.token.resource)
        tokens.insert(token)
        tokenDays.insert(TokenDay(token: token, at: use.lastUsedAt))
      }
    case .reportMail(let report):
      if let email = report.email { insertPerson(with: email, in: workspace) }
    case .rebuild, .malformed:
      break
    }
  }

  /// The users with `email` as their address or userName.
  private mutating func insertPerson(with email: String, in workspace: WorkspaceID) {
    let forms = NameKey.forms(of: email, in: workspace)
    emails.formUnion(forms)
    userNames.formUnion(forms)
  }

  private mutating func insertUser(_ json: JSON, of read: ReadCommand) {
    guard case .object(let attributes) = json else { return }
    let workspace = read.command.workspace
    if case .string(let name)? = attributes.value(forAttribute: "userName") {
      // A user name that is an address is an address a sign-in may come with.
      let key = NameKey(workspace: workspace, comparing: name)
      let forms = NameKey.forms(of: name, in: workspace)
      userNames.formUnion(forms)
      emails.formUnion(forms)
      if case .replaceUser = read.payload {
        renamedUsers[key, default: []].insert(read.key)
      } else if case .string(let id)? = attributes.value(forAttribute: "externalId") {
        createdUsers[key, default: []].insert(id)
      }
    }
    if case .array(let values)? = attributes.value(forAttribute: "emails") {
      for case .object(let email) in values {
        guard case .string(let address)? = email.value(forAttribute: "value") else { continue }
        emails.formUnion(NameKey.forms(of: address, in: workspace))
      }
    }
  }

  private mutating func insertGroup(_ json: JSON, of read: ReadCommand) {
    guard case .object(let attributes) = json else { return }
    if case .string(let name)? = attributes.value(forAttribute: "displayName") {
      groupNames.formUnion(NameKey.forms(of: name, in: read.command.workspace))
      if case .createGroup = read.payload { createdGroups.insert(NameKey(workspace: read.command.workspace, comparing: name)) }
    }
    if case .array(let members)? = attributes.value(forAttribute: "members") {
      for case .object(let member) in members {
        guard case .string(let value)? = member.value(forAttribute: "value"), let user = UserID(value) else { continue }
        memberships.insert(MembershipKey(group: read.key, user: user))
      }
    }
  }

  private mutating func insert(_ edit: MembershipEdit, of read: ReadCommand) {
    if case .add = edit {} else { shrinkingGroups.insert(read.key) }
    switch edit {
    case .add(let values), .remove(let values):
      for user in values.compactMap({ UserID($0) }) { memberships.insert(MembershipKey(group: read.key, user: user)) }
    case .replace(let values):
      replacedGroups.insert(read.key)
      for user in values.compactMap({ UserID($0) }) { memberships.insert(MembershipKey(group: read.key, user: user)) }
    case .removeAll:
      replacedGroups.insert(read.key)
    }
  }
}
