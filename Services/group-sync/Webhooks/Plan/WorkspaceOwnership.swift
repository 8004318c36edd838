import Kafka
import Models

/// The workspaces whose events this process delivers: those whose partition of `identity.events` is assigned to it.
struct WorkspaceOwnership: Sendable, Hashable {
  /// The partitions that are assigned to this process.
  var partitions: Set<Int32> = []
  /// The number of partitions of the topic.
  var count = 1

  /// Whether this process delivers the events of a workspace.
  func owns(_ workspace: WorkspaceID) -> Bool {
    partitions.contains(KeyPartitioner.partition(of: workspace.description, among: count))
  }

  /// Whether this process delivers the events of all workspaces, so that there is no other process.
  var isComplete: Bool { partitions.count == count }
}
