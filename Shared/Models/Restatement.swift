import Foundation

/// Which resources are to be published again, as they are when the command is carried out.
///
/// Who asks cuts the work into pieces of a bounded size: each is one command and one transaction, and everything else goes on meanwhile.
public struct Restatement: Sendable, Hashable, Codable {
  /// The workspace's own settings, too.
  public var workspace: Bool
  /// Users, living or deleted. One that never was is published as deleted, since nobody may hold it.
  public var users: [UserID]
  /// Groups, likewise.
  public var groups: [GroupPart]
  /// Whether invitation-mailer makes up for invitations that it knows nothing of.
  public var invitations: Invitations

  public init(workspace: Bool = false, users: [UserID] = [], groups: [GroupPart] = [], invitations: Invitations = .missing) {
    self.workspace = workspace
    self.users = users
    self.groups = groups
    self.invitations = invitations
  }

  /// What becomes of someone who is invited and of whose invitation invitation-mailer has no trace.
  ///
  /// Whoever was created longer ago than the workspace's invitations are good for is not mailed in any case.
  public enum Invitations: String, Sendable, Hashable, Codable, CaseIterable {
    /// They are invited where nobody can have mailed them: they were created since the mailer's database was begun.
    case missing
    /// They are invited: rather twice than not at all.
    case all
    /// They are not.
    case none
  }

  /// A group with those of its members whose ids lie in a range.
  public struct GroupPart: Sendable, Hashable, Codable {
    public var group: GroupID
    public var range: MemberRange

    public init(group: GroupID, range: MemberRange = MemberRange()) {
      self.group = group
      self.range = range
    }
  }

  /// The most users and parts of groups in one command.
  public static let maximumResources = 1000

  /// The version of a deletion that nobody remembers the version of: nothing is newer. (JSON carries whole numbers up to here everywhere.)
  public static let lastVersion: Int64 = 1 << 53 - 1
}

extension Restatement {
  /// Commands that were written before there was a choice of invitations have the default.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      workspace: try container.decode(Bool.self, forKey: .workspace), users: try container.decode([UserID].self, forKey: .users),
      groups: try container.decode([GroupPart].self, forKey: .groups),
      invitations: try container.decodeIfPresent(Invitations.self, forKey: .invitations) ?? .missing)
  }
}

/// A request to publish the present state of every workspace again, because a consumer lost messages and cannot know of which workspaces.
///
/// identity-store plans the work itself, workspace by workspace, as ``Restatement`` commands.
public struct Rebuild: Sendable, Hashable, Codable {
  /// The consumer group that lost messages.
  public var consumer: String
  /// What was lost, for the operator.
  public var reason: String
  /// Whether invitation-mailer makes up for invitations that it knows nothing of.
  public var invitations: Restatement.Invitations

  public init(consumer: String, reason: String, invitations: Restatement.Invitations) {
    self.consumer = consumer
    self.reason = reason
    self.invitations = invitations
  }

  /// The workspace id of commands that are about the whole deployment: no workspace has it.
  public static let deployment = WorkspaceID(UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)))

  /// The command that asks for it. The same `id` is one rebuild, however often the command is sent.
  public func command(id: CommandID, by service: String, at time: Date) -> Command {
    Command(
      id: id, workspace: Self.deployment, resource: Self.deployment.resource, actor: .service(service), issuedAt: time,
      operation: .rebuild(self))
  }
}
