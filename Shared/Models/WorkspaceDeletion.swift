import Foundation

/// An operator's order to delete a workspace. The workspace is suspended at once.
public struct WorkspaceDeletion: Sendable, Hashable, Codable {
  /// The slug of the workspace, so that the wrong one is not deleted by mistake.
  public var slug: String
  /// When it is deleted. Until then it can be restored.
  public var dueAt: Date

  /// Creates an order.
  public init(slug: String, dueAt: Date) {
    self.slug = slug
    self.dueAt = dueAt
  }

  /// How long a workspace can be restored, in seconds, unless the operator deletes it at once: 30 days.
  public static let grace = 30.0 * 86_400
}

/// The deletion of a workspace, as its settings have it.
public struct ScheduledDeletion: Sendable, Hashable, Codable {
  /// When it was ordered.
  public var requestedAt: Date
  /// The actor of the command.
  public var requestedBy: String
  /// When the workspace is deleted.
  public var dueAt: Date
  /// When it was deleted; `nil` until then.
  public var finishedAt: Date?

  /// Creates the value.
  public init(requestedAt: Date, requestedBy: String, dueAt: Date, finishedAt: Date? = nil) {
    self.requestedAt = requestedAt
    self.requestedBy = requestedBy
    self.dueAt = dueAt
    self.finishedAt = finishedAt
  }
}
