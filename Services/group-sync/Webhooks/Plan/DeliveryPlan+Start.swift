import Foundation
import Models

// What to do next.
extension DeliveryPlan {
  /// Whether nothing that was begun is unfinished, apart from recording.
  var isIdle: Bool { requests + requestsAhead + reads == 0 && !isLoading && !isRefreshing }

  /// When ``start(at:)`` has to be called even if nothing happens; nil if never.
  var nextAlarm: Date? {
    var times = [nextRetry, nextCompleteRefresh]
    // Other processes may change endpoints of the deployment, of which this one receives no event.
    if !ownership.partitions.isEmpty, !ownership.isComplete, endpointsByOwner[.deployment] != nil, !isRefreshing {
      times.append(refreshedAt + limits.refreshInterval)
    }
    return times.min().flatMap { $0 == .distantFuture ? nil : $0 }
  }

  /// Begins what can be done now.
  mutating func start(at now: Date) -> [DeliveryWork] {
    var work: [DeliveryWork] = []
    beginRefresh(at: now, &work)
    collectRetries(at: now)
    beginReads(at: now, &work)
    while requests < limits.requests, deliveries.count < limits.unrecorded, let key = nextReady() {
      guard let request = beginRequest(key) else { continue }
      work.append(.send(request))
    }
    while requestsAhead < limits.requestsAhead, deliveries.count < limits.unrecorded, let key = nextReadyAhead() {
      guard let request = beginRequestAhead(key) else { continue }
      work.append(.send(request))
    }
    while requests < limits.requests, let test = tests.popFirst() {
      requests += 1
      work.append(.test(test))
    }
    for (key, reason) in disablements {
      if let endpoint = endpoints[key] { work.append(.disable(endpoint.value, reason: reason)) }
    }
    disablements = [:]
    return work
  }

  private mutating func beginRefresh(at now: Date, _ work: inout [DeliveryWork]) {
    if nextCompleteRefresh <= now {
      needsCompleteRefresh = true
      nextCompleteRefresh = .distantFuture
    }
    if !ownership.partitions.isEmpty, !ownership.isComplete, endpointsByOwner[.deployment] != nil,
      now.timeIntervalSince(refreshedAt) >= limits.refreshInterval
    {
      needsRefresh = true
    }
    guard needsRefresh || needsCompleteRefresh, !isRefreshing, !ownership.partitions.isEmpty else { return }
    work.append(.refresh(after: revision, others: needsCompleteRefresh ? endpoints.mapValues(\.value) : [:]))
    isRefreshing = true
    needsRefresh = false
    needsCompleteRefresh = false
    refreshedAt = now
  }

  private mutating func collectRetries(at now: Date) {
    guard nextRetry <= now else { return }
    let due = retries.filter { $0.value <= now }.map(\.key)
    for key in due {
      retries[key] = nil
      update(key) { $0.retryUrgent() }
      arrange(key, at: now)
    }
    nextRetry = retries.values.min() ?? .distantFuture
  }

  private mutating func beginReads(at now: Date, _ work: inout [DeliveryWork]) {
    if !isLoading, !toLoad.isEmpty {
      let keys = (0..<min(limits.cursors, toLoad.count)).compactMap { _ in toLoad.popFirst() }
      let known = keys.filter { endpoints[$0.endpoint] != nil }
      for key in keys where endpoints[key.endpoint] == nil { remove(key) }
      if !known.isEmpty {
        isLoading = true
        work.append(.load(known))
      }
    }
    while reads < limits.reads, bytes < limits.bytes || reads == 0, let key = toRead.popFirst() {
      guard let lane = lanes[key], lane.isReading else { continue }
      guard let endpoint = endpoints[key.endpoint] else {
        update(key) { $0.isReading = false }
        arrange(key, at: now)
        continue
      }
      reads += 1
      work.append(.read(key, after: lane.readThrough, types: endpoint.value.types?.map(\.rawValue), latest: lane.latest))
    }
    while reads < limits.reads, let key = toReadUrgent.popFirst() {
      guard let lane = lanes[key] else { continue }
      reads += 1
      work.append(.readUrgent(key, after: lane.cursor.lastSequence))
    }
  }

  /// The next lane whose endpoint may have another request.
  private mutating func nextReady() -> LaneKey? {
    ready.next { [endpoints, limits, probes] key in
      guard let endpoint = endpoints[key] else { return true }
      guard endpoint.isFailing else { return endpoint.requests < limits.requestsPerEndpoint }
      return endpoint.requests < limits.requestsPerFailingEndpoint && probes < limits.failingRequests
    }
  }

  /// The next lane whose endpoint may have another request that is sent ahead of its turn.
  private mutating func nextReadyAhead() -> LaneKey? {
    readyAhead.next { [endpoints, limits] key in
      guard let endpoint = endpoints[key] else { return true }
      return endpoint.requestsAhead < (endpoint.isFailing ? limits.requestsPerFailingEndpoint : limits.requestsAheadPerEndpoint)
    }
  }

  private mutating func beginRequest(_ key: LaneKey) -> DeliveryRequest? {
    guard let lane = lanes[key], lane.isQueued else { return nil }
    update(key) { $0.isQueued = false }
    guard let endpoint = endpoints[key.endpoint], endpoint.isEnabled, let event = lane.head, lane.phase == .loaded, !lane.isSending,
      !lane.isStale, event.sequence != lane.sendingAhead
    else { return nil }
    update(key) { $0.isSending = true }
    requests += 1
    if endpoint.isFailing { probes += 1 }
    endpoints[key.endpoint]?.requests += 1
    return DeliveryRequest(
      key: key, endpoint: endpoint.value, event: event, attempt: lane.cursor.attempts + 1, isAhead: false, isProbe: endpoint.isFailing)
  }

  private mutating func beginRequestAhead(_ key: LaneKey) -> DeliveryRequest? {
    update(key) { $0.isQueuedAhead = false }
    guard let lane = lanes[key], let endpoint = endpoints[key.endpoint], endpoint.isEnabled, lane.phase == .loaded, !lane.isStale,
      lane.sendingAhead == nil
    else { return nil }
    var next: LoggedEvent?
    update(key) { lane in
      next = lane.takeUrgent()
      lane.sendingAhead = next?.sequence
    }
    guard let event = next else { return nil }
    requestsAhead += 1
    endpoints[key.endpoint]?.requestsAhead += 1
    return DeliveryRequest(
      key: key, endpoint: endpoint.value, event: event, attempt: 1, isAhead: true, isProbe: false)
  }
}
