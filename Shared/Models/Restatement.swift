import Foundation

/// A list of resources whose current state is to be published again.
///
/// The sender splits the work into commands of a bounded size. Each is one transaction, so that other commands are not blocked.
public struct Restatement: Sendable, Hashable, Codable {
  /// Whether to publish the settings of the workspace.
  public var workspace: Bool
  /// The users, existing or deleted. An unknown user is published as deleted, so that no consumer keeps it.
  public var users: [UserID]
  /// The groups, existing or deleted.
  public var groups: [GroupPart]
  /// Whether invitation-mailer creates missing invitations.
  public var invitations: Invitations

  /// Creates a restatement.
  public init(workspace: Bool = false, users: [UserID] = [], groups: [GroupPart] = [], invitations: Invitations = .missing) {
    self.workspace = workspace
    self.users = users
    self.groups = groups
    self.invitations = invitations
  }

  /// What invitation-mailer does about an invited user without an invitation in its database.
  ///
  /// A user who was created longer ago than the workspace's invitations are valid is never mailed.
  public enum Invitations: String, Sendable, Hashable, Codable, CaseIterable {
    /// Mails users who cannot have been mailed before: those created after the database of the mailer.
    case missing
    /// Mails all of them; some may get a second mail.
    case all
    /// Mails none of them.
    case none
  }

  /// A group with the members whose ids are in a range.
  public struct GroupPart: Sendable, Hashable, Codable {
    /// The group.
    public var group: GroupID
    /// The range of member ids.
    public var range: MemberRange

    /// Creates a group part.
    public init(group: GroupID, range: MemberRange = MemberRange()) {
      self.group = group
      self.range = range
    }
  }

  /// The most users and group parts in one command.
  public static let maximumResources = 1000

  /// The version of a deletion whose version is unknown: the largest integer that every JSON parser reads exactly.
  public static let lastVersion: Int64 = 1 << 53 - 1
}

extension Restatement {
  /// Decodes the JSON form. Older commands have no `invitations`.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      workspace: try container.decode(Bool.self, forKey: .workspace), users: try container.decode([UserID].self, forKey: .users),
      groups: try container.decode([GroupPart].self, forKey: .groups),
      invitations: try container.decodeIfPresent(Invitations.self, forKey: .invitations) ?? .missing)
  }
}

/// A request to publish the current state of every workspace, or of one, again, because a consumer lost messages.
///
/// identity-store splits the work into ``Restatement`` commands, workspace by workspace.
public struct Rebuild: Sendable, Hashable, Codable {
  /// The consumer group that lost messages.
  public var consumer: String
  /// A description of the loss, for the operator.
  public var reason: String
  /// Whether invitation-mailer creates missing invitations.
  public var invitations: Restatement.Invitations
  /// The only workspace whose state is published; `nil`: that of all workspaces. ``Command/workspace`` is the same.
  public var workspace: WorkspaceID?

  /// Creates a rebuild.
  public init(consumer: String, reason: String, invitations: Restatement.Invitations, workspace: WorkspaceID? = nil) {
    self.consumer = consumer
    self.reason = reason
    self.invitations = invitations
    self.workspace = workspace
  }

  /// The ``consumer`` of a rebuild that an administrator requested.
  public static let administrator = "administrator"

  /// The command that requests the rebuild. It is idempotent: commands with the same `id` are one rebuild.
  public func command(id: CommandID, by service: String, at time: Date) -> Command {
    Command(
      id: id, workspace: .deployment, resource: WorkspaceID.deployment.resource, actor: .service(service), issuedAt: time,
      operation: .rebuild(self))
  }
}

/// Splits groups and their members into restatements of about equal size.
public struct RestatementPlan: Sendable, Equatable {
  /// The approximate number of members in one command, which one transaction reads and publishes.
  public static let members = 2000
  /// The most groups of one command.
  public static let groups = 200

  /// The commands, in order.
  public private(set) var pieces: [Restatement] = []
  private var budget = 0

  /// Creates an empty plan.
  public init() {}

  /// Adds a group.
  ///
  /// - Parameters:
  ///   - cuts: Sorted ids of members that split the members into ranges; the members of each range fit one event.
  ///   - count: The number of members.
  public mutating func add(_ group: GroupID, cuts: [UserID], count: Int) {
    let bounds = [nil] + cuts.map(Optional.some) + [nil]
    for (after, through) in zip(bounds, bounds.dropFirst()) {
      let members = min(count, GroupChanged.maximumMembersPerEvent)
      if pieces.isEmpty || budget + members > Self.members || (pieces.last?.groups.count ?? 0) >= Self.groups {
        pieces.append(Restatement())
        budget = 0
      }
      budget += members
      pieces[pieces.count - 1].groups.append(
        Restatement.GroupPart(group: group, range: MemberRange(after: after, through: through)))
    }
  }
}
