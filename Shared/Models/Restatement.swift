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

  public init(workspace: Bool = false, users: [UserID] = [], groups: [GroupPart] = []) {
    self.workspace = workspace
    self.users = users
    self.groups = groups
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
