import DequeModule
import Foundation
import Models

/// Decides what to send to which endpoint and when. Pure: times and random numbers are passed in.
///
/// Each endpoint has a lane per workspace, in which one event is sent at a time. What was just committed comes from memory; everything else is
/// read from the event log.
struct DeliveryPlan: Sendable {
  /// An endpoint with the state of its requests.
  struct Endpoint: Sendable {
    var value: WebhookEndpoint
    /// The requests that have not ended.
    var requests = 0
    /// The requests that are sent ahead of their turn, and have not ended.
    var requestsAhead = 0
    /// Whether it did not respond the last time. It gets few requests then, so that they do not take the places of others.
    var isFailing = false
    /// When identity-store was asked to disable it.
    var disabledAt: Date?

    var isEnabled: Bool { value.state == .enabled }
  }

  let limits: DeliveryLimits
  let schedule: WebhookRetrySchedule
  var ownership = WorkspaceOwnership()
  var endpoints: [EndpointKey: Endpoint] = [:]
  var endpointsByOwner: [WorkspaceID: Set<EndpointKey>] = [:]
  var lanes: [LaneKey: DeliveryLane] = [:]

  // Waiting work.
  var ready = ReadyQueue()
  var readyAhead = ReadyQueue()
  var toLoad: Deque<LaneKey> = []
  var toRead: Deque<LaneKey> = []
  var toReadUrgent: Deque<LaneKey> = []
  var tests: Deque<TestOrder> = []
  var disablements: [EndpointKey: String] = [:]
  /// Lanes whose next attempt is later, and when the first of them is due.
  var retries: [LaneKey: Date] = [:]
  var nextRetry = Date.distantFuture

  // Work that has begun.
  var requests = 0
  var requestsAhead = 0
  var probes = 0
  var reads = 0
  var isLoading = false
  var knownTests: Set<CommandID> = []
  var bytes = 0
  var evictionThreshold: Int

  // Refreshes.
  var revision: Int64 = 0
  var refreshedAt = Date.distantPast
  var isRefreshing = false
  var needsRefresh = false
  var needsCompleteRefresh = false
  /// When all lanes are looked at again, because the former owner of a partition may still have committed events.
  var nextCompleteRefresh = Date.distantFuture
  /// The last events of workspaces that were committed during a refresh, which may not have seen them.
  var committedMeanwhile: [WorkspaceID: Int64] = [:]

  // Results that are not recorded.
  var dirty: Set<LaneKey> = []
  var recording: Set<LaneKey> = []
  var deliveries: [DeliveryRecord] = []
  var finishedTests: [(owner: WorkspaceID, id: CommandID)] = []

  init(limits: DeliveryLimits = DeliveryLimits(), schedule: WebhookRetrySchedule = WebhookRetrySchedule()) {
    self.limits = limits
    self.schedule = schedule
    evictionThreshold = limits.lanes
  }
}

// MARK: - What happens

extension DeliveryPlan {
  /// Sets the partitions of this process. The lanes of other workspaces are removed, and undelivered events of the new ones are looked for.
  mutating func assign(_ ownership: WorkspaceOwnership, at now: Date) {
    self.ownership = ownership
    needsCompleteRefresh = true
    nextCompleteRefresh = now + limits.formerOwnerLimit
    for key in lanes.keys.filter({ !ownership.owns($0.workspace) }) {
      lanes[key]?.isStale = true
      arrange(key, at: now)
    }
  }

  /// Looks for changed endpoints and orders.
  mutating func noteChanges() { needsRefresh = true }

  /// Looks for undelivered events of all workspaces, because a commit had an unknown outcome.
  mutating func noteUnknownCommit() { needsCompleteRefresh = true }

  /// Whether events that were just committed need no attention: there is no endpoint, and no other process that could know of one.
  var ignoresCommits: Bool {
    ownership.partitions.isEmpty
      || endpoints.isEmpty && !isRefreshing && !needsRefresh && !needsCompleteRefresh && ownership.isComplete
  }

  /// Adds events that were just committed, in the order of each workspace.
  mutating func commit(_ events: [LoggedEvent], at now: Date) {
    guard !events.isEmpty, !ownership.partitions.isEmpty else { return }
    var isOwned: [WorkspaceID: Bool] = [:]
    var touched: Set<LaneKey> = []
    for event in events {
      let owned = isOwned[event.workspace] ?? ownership.owns(event.workspace)
      isOwned[event.workspace] = owned
      guard owned else { continue }
      if isRefreshing || needsCompleteRefresh { committedMeanwhile[event.workspace] = event.sequence }
      for endpointKey in endpoints(of: event.workspace) {
        guard let endpoint = endpoints[endpointKey], endpoint.isEnabled else { continue }
        let key = LaneKey(endpoint: endpointKey, workspace: event.workspace)
        let mayHold = bytes < limits.bytes
        update(key, default: DeliveryLane()) { lane in
          lane.append(event, isReceived: endpoint.value.receives(type: event.type), mayHold: mayHold)
        }
        touched.insert(key)
      }
    }
    for key in touched { arrange(key, at: now) }
    // Only an event of another process tells of a change to an endpoint of the deployment.
    if isOwned.values.contains(true), !ownership.isComplete, now.timeIntervalSince(refreshedAt) > limits.staleness { needsRefresh = true }
    evict()
  }

  func endpoints(of workspace: WorkspaceID) -> Set<EndpointKey> {
    let own = endpointsByOwner[workspace] ?? []
    guard let ofAll = endpointsByOwner[.deployment] else { return own }
    return own.isEmpty ? ofAll : own.union(ofAll)
  }

  /// Changes a lane, and keeps count of the memory that it takes.
  @discardableResult
  mutating func update(_ key: LaneKey, default new: DeliveryLane? = nil, _ body: (inout DeliveryLane) -> Void) -> Bool {
    guard let index = lanes.index(forKey: key) else {
      guard var lane = new else { return false }
      body(&lane)
      bytes += lane.bytes
      lanes[key] = lane
      return true
    }
    let before = lanes.values[index].bytes
    body(&lanes.values[index])
    bytes += lanes.values[index].bytes - before
    return true
  }

  mutating func remove(_ key: LaneKey) {
    bytes -= lanes.removeValue(forKey: key)?.bytes ?? 0
    retries[key] = nil
  }

  /// Removes lanes without anything to do if there are many. They are read again with the next event of their workspace.
  private mutating func evict() {
    guard lanes.count > evictionThreshold else { return }
    lanes = lanes.filter { !$0.value.isIdle }
    evictionThreshold = max(limits.lanes, 2 * lanes.count)
  }

  /// Decides what a lane does next.
  mutating func arrange(_ key: LaneKey, at now: Date) {
    guard let index = lanes.index(forKey: key) else { return }
    let isWanted = ownership.owns(key.workspace) && endpoints[key.endpoint]?.isEnabled == true
    if !isWanted || lanes.values[index].isStale {
      guard !lanes.values[index].isBusy, !lanes.values[index].isDirty, !recording.contains(key) else { return noteResult(of: key) }
      guard isWanted else { return remove(key) }
      retries[key] = nil
      update(key) { $0.unload() }
    }
    // Taken out, so that the changes below do not copy it.
    var lane = DeliveryLane()
    let bytesBefore = lanes.values[index].bytes
    swap(&lane, &lanes.values[index])
    arrange(&lane, key, at: now)
    swap(&lane, &lanes.values[index])
    bytes += lanes.values[index].bytes - bytesBefore
    noteResult(of: key)
  }

  private mutating func arrange(_ lane: inout DeliveryLane, _ key: LaneKey, at now: Date) {
    switch lane.phase {
    case .loading: return
    case .unknown:
      lane.phase = .loading
      toLoad.append(key)
    case .loaded:
      lane.advance()
      if lane.maySendAhead, !lane.isQueuedAhead {
        lane.isQueuedAhead = true
        readyAhead.append(key)
      }
      guard lane.head != nil || lane.isBehind, !lane.isSending, !lane.isQueued else { return }
      if let time = lane.cursor.nextAttemptAt, time > now {
        retries[key] = time
        nextRetry = min(nextRetry, time)
      } else if let head = lane.head {
        guard head.sequence != lane.sendingAhead else { return }
        lane.isQueued = true
        ready.append(key)
      } else if !lane.isReading {
        lane.isReading = true
        toRead.append(key)
      }
    }
  }

  private mutating func noteResult(of key: LaneKey) {
    if lanes[key]?.isDirty == true { dirty.insert(key) }
  }
}

// MARK: - Measurements

extension DeliveryPlan {
  /// The number of events of enabled endpoints that are not delivered, as far as it is known.
  var pending: Int64 { lanes.values.reduce(0) { $0 + $1.pending } }

  /// The time of the oldest event that is not delivered. An event that is not in memory, because its next attempt is later, counts from its
  /// first failure.
  var oldest: Date? { lanes.values.lazy.compactMap { $0.head?.changedAt ?? $0.cursor.firstFailedAt }.min() }
}
