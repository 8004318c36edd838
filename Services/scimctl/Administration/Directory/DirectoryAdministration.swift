import Foundation
import Models
import Postgres
import SCIM

/// Compares the product's directory with the store.
protocol DirectoryAdministration: Sendable {
  /// The differences that persist. Those that disappear are changes in progress.
  ///
  /// - Parameter duration: How long differences are checked again.
  func persistentDifferences(checkedFor duration: Duration, in workspace: StoredWorkspace) async throws -> [DirectoryDifference]
}

extension DirectAdministration: DirectoryAdministration {
  func persistentDifferences(checkedFor duration: Duration, in workspace: StoredWorkspace) async throws -> [DirectoryDifference] {
    // A comparison of a large workspace takes longer than other statements.
    try await withDatabase(settings, statementTimeout: .seconds(900)) { pool in
      try await DirectoryComparison(pool: pool, workspace: workspace.id).persistentDifferences(checkedFor: duration)
    }
  }
}

extension ServerAdministration: DirectoryAdministration {
  func persistentDifferences(checkedFor duration: Duration, in workspace: StoredWorkspace) async throws -> [DirectoryDifference] {
    var differences = try await differences(in: workspace)
    let deadline = ContinuousClock.now + duration
    while !differences.isEmpty, ContinuousClock.now < deadline {
      try await Task.sleep(for: min(.seconds(2), deadline - .now))
      let before = Set(differences)
      differences = try await self.differences(in: workspace).filter(before.contains)
    }
    return differences
  }

  /// Compares the whole directory, a part at a time.
  private func differences(in workspace: StoredWorkspace) async throws -> [DirectoryDifference] {
    var found: [DirectoryDifference] = []
    var cursor: String?
    repeat {
      let page = try await client.get(
        .workspace("\(workspace.id)", "directory", "differences"), query: [(name: "cursor", value: cursor)]
      ).json().object
      for item in page?["differences"]?.array ?? [] { found.append(try DirectoryDifference(response: item)) }
      cursor = page?["nextCursor"]?.string
    } while cursor != nil && found.count < DirectoryComparison.maximumDifferences
    return found
  }
}

extension DirectoryDifference {
  /// - Parameter response: A difference in the form of the management API.
  /// - Throws: ``ScimctlError`` if it is none.
  init(response: JSON) throws(ScimctlError) {
    let object = response.object
    let member = object?["member"]?.string.flatMap { UserID($0) }
    let group = object?["group"]?.string.flatMap { GroupID($0) }
    let subject: Subject
    switch (member, group) {
    case (let member?, nil): subject = .user(member)
    case (nil, let group?): subject = .group(group)
    case (let member?, let group?): subject = .membership(group, member)
    case (nil, nil):
      throw ScimctlError(.internal, "the server's response has a difference that this version of scimctl does not know")
    }
    self.init(subject: subject, description: object?["difference"]?.string ?? "")
  }
}
