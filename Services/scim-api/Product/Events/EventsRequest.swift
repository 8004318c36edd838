import EdgeHTTP
import EdgeReads
import Foundation
import Models

/// The parameters of `GET /api/v2/events`.
struct EventsRequest: Sendable {
  /// The first read.
  var query: EventQuery
  /// How long to wait for an event if there is none.
  var wait: Duration

  private static let defaultLimit = 100
  private static let maximumLimit = 1000
  private static let maximumWait = 30

  /// Reads the query of a request.
  ///
  /// - Parameter selection: the workspaces that the request names.
  /// - Throws: 400 if a parameter is invalid.
  init(_ parameters: QueryParameters, of selection: WorkspaceSelection) throws {
    let limit = try Self.integer("limit", in: parameters, Self.defaultLimit, 1...Self.maximumLimit)
    wait = .seconds(try Self.integer("wait", in: parameters, 0, 0...Self.maximumWait))
    query = EventQuery(
      selection.scope, from: try Self.start(parameters["after"], of: selection.scope), types: try Self.types(parameters["types"]),
      workspaces: selection.filter, limit: limit)
  }

  private static func integer(
    _ name: String, in parameters: QueryParameters, _ standard: Int, _ range: ClosedRange<Int>
  ) throws -> Int {
    guard let text = parameters[name] else { return standard }
    guard let number = Int(text), range.contains(number) else {
      throw ProblemDetails.invalidParameter(
        name, "\(name) is '\(text.prefix(50))'; a whole number from \(range.lowerBound) to \(range.upperBound) was expected.")
    }
    return number
  }

  private static func start(_ text: String?, of scope: EventScope) throws -> EventQuery.Start {
    guard let text else { return .oldest }
    if text == "latest" { return .latest }
    guard let cursor = EventCursor(text) else {
      throw ProblemDetails(
        400, .invalidCursor,
        "after is not a cursor. Send the cursor of the last page or snapshot unchanged, 'latest' for later events only, or leave it out.",
        errors: [.init(.parameter("after"), "not a cursor")])
    }
    guard cursor.scope == scope else {
      throw ProblemDetails(
        400, .invalidCursor,
        """
        The cursor belongs to \(cursor.scope.isDeployment ? "the events of the deployment" : "the events of one workspace"), and the request \
        reads \(scope.isDeployment ? "those of the deployment" : "those of another workspace, or of one"). Keep a cursor for each of them.
        """, errors: [.init(.parameter("after"), "a cursor of other events")])
    }
    return .after(cursor)
  }

  private static func types(_ text: String?) throws -> [DirectoryEvent.Kind]? {
    guard let text else { return nil }
    let names = text.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
    let unknown = names.filter { DirectoryEvent.Kind(rawValue: $0) == nil }
    guard unknown.isEmpty, !names.isEmpty else {
      let known = DirectoryEvent.Kind.allCases.map(\.rawValue).joined(separator: ", ")
      throw ProblemDetails.invalidParameter(
        "types",
        """
        \(unknown.isEmpty ? "types names no type" : "types names '\(unknown.joined(separator: ", ").prefix(100))'"). The types are \(known).
        """)
    }
    return Array(Set(names.compactMap { DirectoryEvent.Kind(rawValue: $0) }))
  }
}

/// The workspaces whose events a request reads.
struct WorkspaceSelection: Sendable, Equatable {
  /// The events to read.
  var scope: EventScope
  /// The workspaces to return of the deployment's events; nil for all.
  var filter: [WorkspaceID]?

  private static let maximumNames = 100

  /// Finds the workspaces that the parameter `workspace` names, by id or slug. Without it, a request is about the workspace of its token, or of its
  /// header; with a deployment-wide token, about all workspaces.
  ///
  /// - Throws: 400, 403 or 404 if the request names a workspace that it cannot read.
  init(_ parameters: QueryParameters, of caller: Caller, in workspaces: NamedWorkspaceCache) async throws {
    let names = (parameters["workspace"] ?? "").split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
    guard names.count <= Self.maximumNames else {
      throw ProblemDetails.invalidParameter(
        "workspace",
        "workspace has \(names.count) names; at most \(Self.maximumNames) are possible. Read all and select, or send several requests.")
    }
    guard caller.workspace == .deployment else {
      for name in names where WorkspaceID(name) != caller.workspace && name != caller.settings.slug {
        guard caller.isDeploymentWide else { throw ProblemDetails.otherWorkspace(name, caller) }
        throw ProblemDetails(
          400, .workspaceNotNamed,
          "The header Rollcall-Workspace and the parameter 'workspace' name different workspaces. Send one of them.")
      }
      self.init(scope: .workspace(caller.workspace))
      return
    }
    var found: [WorkspaceID] = []
    for name in names {
      guard let workspace = try await workspaces.workspace(named: name) else { throw ProblemDetails.unknownWorkspace(name) }
      if !found.contains(workspace.id) { found.append(workspace.id) }
    }
    if let only = found.first, found.count == 1 {
      self.init(scope: .workspace(only))
    } else {
      self.init(scope: .deployment, filter: found.isEmpty ? nil : found)
    }
  }

  private init(scope: EventScope, filter: [WorkspaceID]? = nil) {
    self.scope = scope
    self.filter = filter
  }
}

extension EventScope {
  /// Whether these are the events of the whole deployment.
  fileprivate var isDeployment: Bool { self == .deployment }
}
