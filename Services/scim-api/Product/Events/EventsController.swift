import EdgeHTTP
import EdgeReads
import Foundation
import HTTPTypes
import Hummingbird
import Models
import NIOCore

/// `GET /api/v2/events…`: the events of the directory, and snapshots from which a product starts.
package struct EventsController: Sendable {
  private let reads: any EventReads
  private let waiters: EventWaiters
  private let waiting: ConcurrencyLimit
  private let snapshots: ConcurrencyLimit
  private let workspaces: NamedWorkspaceCache

  /// - Parameters:
  ///   - reads: the event log and the directory.
  ///   - waiters: wakes the requests that wait for events.
  ///   - waiting: limits these requests.
  ///   - snapshots: limits the snapshots that are sent.
  ///   - workspaces: the workspaces that requests name.
  package init(
    reads: any EventReads, waiters: EventWaiters, waiting: ConcurrencyLimit, snapshots: ConcurrencyLimit, workspaces: NamedWorkspaceCache
  ) {
    self.reads = reads
    self.waiters = waiters
    self.waiting = waiting
    self.snapshots = snapshots
    self.workspaces = workspaces
  }

  /// Adds the routes to `group`, whose callers have the scope `events`.
  package func addRoutes(to group: RouterGroup<CallerContext>) {
    let group = group.group(RouterPath(ResourcePath.events))
    group.getAndHead(use: events)
    group.getAndHead("snapshot", use: snapshot)
  }

  // MARK: - Events

  @Sendable private func events(_ request: Request, _ context: CallerContext) async throws -> Response {
    let parameters = try QueryParameters(request.uri.query)
    let selection = try await WorkspaceSelection(parameters, of: context.caller, in: workspaces)
    let events = try EventsRequest(parameters, of: selection)
    var page = try await page(events.query)
    if page.isAtEnd, events.wait > .zero, request.method == .get {
      page = try await waiting.withPlace(of: context.caller) { [page] in try await later(than: page, events) }
    }
    return .uncached(.json(.ok, page.body, mediaType: MediaType.json))
  }

  /// Waits for an event after a page that has none, and reads the page with it; an empty page if there is none in time.
  private func later(than page: EventPage, _ request: EventsRequest) async throws -> EventPage {
    let deadline = ContinuousClock.now + request.wait
    var page = page
    while page.isAtEnd {
      let left = deadline - ContinuousClock.now
      guard left > .zero else { break }
      let outcome = try await waiters.wait(for: request.query.scope, after: page.cursor.number, atMost: left)
      guard outcome == .changed else { break }
      var query = request.query
      query.start = .after(page.cursor)
      page = try await self.page(query)
    }
    return page
  }

  private func page(_ query: EventQuery) async throws -> EventPage {
    do {
      return try await reads.events(query)
    } catch let gone as EventCursorGone {
      throw ProblemDetails.cursorGone(gone)
    } catch is DeploymentFeedMissing {
      throw ProblemDetails.deploymentFeedMissing()
    }
  }

  // MARK: - Snapshot

  @Sendable private func snapshot(_ request: Request, _ context: CallerContext) async throws -> Response {
    let parameters = try QueryParameters(request.uri.query)
    let selection = try await WorkspaceSelection(parameters, of: context.caller, in: workspaces)
    guard selection.filter == nil else {
      throw ProblemDetails.invalidParameter("workspace", "A snapshot is of one workspace, or of all. Send a request for each workspace.")
    }
    let headers: HTTPFields = [.contentType: SnapshotBody.mediaType]
    guard request.method == .get else { return .uncached(Response(status: .ok, headers: headers)) }
    // Released when the response is sent, or given up.
    let place = try snapshots.place(of: context.caller)
    let snapshot: any DirectorySnapshot
    do {
      snapshot = try await reads.snapshot(of: selection.scope)
    } catch is DeploymentFeedMissing {
      throw ProblemDetails.deploymentFeedMissing()
    }
    let body = SnapshotBody(snapshot: snapshot)
    return .uncached(
      Response(
        status: .ok, headers: headers,
        body: ResponseBody { writer in
          defer { withExtendedLifetime(place) {} }
          try await body.write(to: &writer)
          try await writer.finish(nil)
        }))
  }
}

extension EventPage {
  /// Whether there is nothing to return yet.
  fileprivate var isAtEnd: Bool { events.isEmpty && !hasMore }
}

extension Response {
  /// The response with the header that forbids caches to store it.
  fileprivate static func uncached(_ response: Response) -> Response {
    var response = response
    response.headers[.cacheControl] = "no-store"
    return response
  }
}

extension ProblemDetails.Kind {
  /// The events after the cursor are not stored any more.
  static let cursorGone = Self(name: "cursor-gone", title: "The events after the cursor are not stored")
}

extension ProblemDetails {
  /// 410 with the way to recover.
  static func cursorGone(_ gone: EventCursorGone) -> ProblemDetails {
    let cause =
      switch gone {
      case .expired: "The cursor is older than the stored events."
      case .otherLog: "The cursor is from another event log: the database was replaced, or restored from a backup."
      }
    return ProblemDetails(
      410, .cursorGone,
      "\(cause) Read \(ResourcePath.events)/snapshot, replace your copy of the directory with it, and continue with the cursor in it.")
  }

  fileprivate static func deploymentFeedMissing() -> ProblemDetails {
    ProblemDetails(
      501, nil,
      """
      This deployment does not serve the events of all workspaces, because ROLLCALL_DATABASE_FEED_URL is not set for scim-api. Name one workspace, or \
      ask the operator to set it.
      """)
  }
}
