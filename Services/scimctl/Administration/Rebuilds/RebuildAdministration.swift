import Foundation
import Models
import Postgres
import SCIM

/// Makes identity-store publish the present state again.
protocol RebuildAdministration: Sendable {
  /// Publishes the whole state of workspaces, one after the other, and waits until it is published.
  ///
  /// - Parameters:
  ///   - includesDeployment: Whether to publish the webhook endpoints of the deployment as well.
  ///   - report: Is called after each workspace, with the numbers of published resources; nil if they are not known.
  /// - Returns: The sums of the known numbers.
  func rebuild(
    _ workspaces: [StoredWorkspace], includesDeployment: Bool, invitations: Restatement.Invitations,
    report: @escaping @Sendable (StoredWorkspace, WorkspaceRebuild.Summary?) -> Void
  ) async throws -> WorkspaceRebuild.Summary
  /// Publishes some users and groups of a workspace.
  func rebuild(
    users: [UserID], groups: [GroupID], of workspace: StoredWorkspace, invitations: Restatement.Invitations
  ) async throws -> WorkspaceRebuild.Summary
}

extension DirectAdministration: RebuildAdministration {
  func rebuild(
    _ workspaces: [StoredWorkspace], includesDeployment: Bool, invitations: Restatement.Invitations,
    report: @escaping @Sendable (StoredWorkspace, WorkspaceRebuild.Summary?) -> Void
  ) async throws -> WorkspaceRebuild.Summary {
    let settings = try await Settings.forWriting()
    return try await withCommandClient(settings, pool: pool) { client in
      var published = WorkspaceRebuild.Summary()
      if includesDeployment { try await client.execute(.restate(Restatement(workspace: true)), in: .deployment) }
      for workspace in workspaces {
        let rebuild = WorkspaceRebuild(client: client, pool: pool, workspace: workspace, invitations: invitations)
        let counts = try await rebuild.publishAll()
        report(workspace, counts)
        published += counts
      }
      return published
    }
  }

  func rebuild(
    users: [UserID], groups: [GroupID], of workspace: StoredWorkspace, invitations: Restatement.Invitations
  ) async throws -> WorkspaceRebuild.Summary {
    let settings = try await Settings.forWriting()
    return try await withCommandClient(settings, pool: pool) { client in
      let rebuild = WorkspaceRebuild(client: client, pool: pool, workspace: workspace, invitations: invitations)
      return try await rebuild.publish(users: users, groups: groups)
    }
  }
}

extension ServerAdministration: RebuildAdministration {
  /// The longest pause between two looks at the progress.
  private static let maximumPause = Duration.seconds(2)

  func rebuild(
    _ workspaces: [StoredWorkspace], includesDeployment: Bool, invitations: Restatement.Invitations,
    report: @escaping @Sendable (StoredWorkspace, WorkspaceRebuild.Summary?) -> Void
  ) async throws -> WorkspaceRebuild.Summary {
    if includesDeployment { try await client.post(.admin("rebuilds")) }
    for workspace in workspaces {
      try await rebuild(workspace, invitations)
      report(workspace, nil)
    }
    return WorkspaceRebuild.Summary()
  }

  /// A rebuild of a workspace, as the management API describes it.
  private struct RunningRebuild: Decodable {
    var id: String
    var state: String
    var stage: String?
  }

  private func rebuild(_ workspace: StoredWorkspace, _ invitations: Restatement.Invitations) async throws {
    let body: JSONObject = ["invitations": .string(invitations.rawValue), "reason": "scimctl rebuild"]
    var rebuild: RunningRebuild = try await client.post(.workspace("\(workspace.id)", "rebuilds"), body).decoded(as: "rebuild")
    var pause = Duration.milliseconds(100)
    var shownStage: String?
    while rebuild.state != "finished" {
      if let stage = rebuild.stage, stage != shownStage {
        shownStage = stage
        StandardError.print("scimctl: \(workspace.settings.slug): publishing \(stage)")
      }
      try await Task.sleep(for: pause)
      pause = min(pause * 2, Self.maximumPause)
      rebuild = try await client.get(.workspace("\(workspace.id)", "rebuilds", rebuild.id)).decoded(as: "rebuild")
    }
  }

  func rebuild(
    users: [UserID], groups: [GroupID], of workspace: StoredWorkspace, invitations: Restatement.Invitations
  ) async throws -> WorkspaceRebuild.Summary {
    let body: JSONObject = ["invitations": .string(invitations.rawValue)]
    // Consumers need a user before its memberships.
    for user in users { try await client.post(.workspace("\(workspace.id)", "members", "\(user)", "publish"), body) }
    for group in groups { try await client.post(.workspace("\(workspace.id)", "groups", "\(group)", "publish")) }
    return WorkspaceRebuild.Summary(users: users.count, groups: Set(groups))
  }
}
