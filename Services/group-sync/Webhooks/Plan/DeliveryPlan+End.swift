import Foundation
import Models

// What has ended.
extension DeliveryPlan {
  /// Ends a request.
  ///
  /// - Parameter jitter: From 0 to 1; see ``WebhookRetrySchedule``.
  mutating func end(_ request: DeliveryRequest, _ result: DeliveryResult, at now: Date, jitter: Double) {
    log(request, result)
    let outcome = result.outcome
    if request.isAhead {
      requestsAhead -= 1
      releaseRequest(of: request.key.endpoint, isAhead: true)
      update(request.key) { lane in
        if outcome.isDelivered {
          lane.deliverAhead(request.event)
        } else {
          lane.failAhead(request.event, isUnreachable: outcome.isUnreachable)
        }
      }
    } else {
      requests -= 1
      if request.isProbe { probes -= 1 }
      releaseRequest(of: request.key.endpoint, isAhead: false)
      endInOrder(request, outcome, at: now, jitter: jitter)
    }
    note(outcome, of: request.key.endpoint, at: now)
    arrange(request.key, at: now)
  }

  private mutating func releaseRequest(of key: EndpointKey, isAhead: Bool) {
    guard let endpoint = endpoints[key] else { return }
    // An endpoint that was deleted and restored meanwhile starts at zero.
    if isAhead {
      endpoints[key]?.requestsAhead = max(0, endpoint.requestsAhead - 1)
    } else {
      endpoints[key]?.requests = max(0, endpoint.requests - 1)
    }
  }

  private mutating func endInOrder(_ request: DeliveryRequest, _ outcome: DeliveryOutcome, at now: Date, jitter: Double) {
    let schedule = schedule
    var failedSince: Date?
    var isFirstFailure = false
    update(request.key) { lane in
      switch outcome {
      case .delivered: lane.deliver(request.event)
      case .rejected(let reason), .unreachable(let reason):
        let next = schedule.nextAttempt(
          afterFailures: lane.cursor.attempts + 1, since: lane.cursor.firstFailedAt, now: now, jitter: jitter)
        lane.fail(nextAttemptAt: next, error: reason, now: now)
        failedSince = lane.cursor.firstFailedAt
        isFirstFailure = lane.cursor.attempts == 1 && lane.pending > 1
      case .unsendable(let reason):
        lane.postpone(until: schedule.nextAttempt(afterFailures: 2, now: now, jitter: jitter), error: reason)
      }
    }
    // A stuck event must not keep sessions alive.
    if isFirstFailure { toReadUrgent.append(request.key) }
    guard let failedSince, schedule.isExhausted(firstFailedAt: failedSince, now: now) else { return }
    // Identity-store answers with a change of the endpoint. In the unlikely case that it does not, it is asked again.
    if let time = endpoints[request.key.endpoint]?.disabledAt, now.timeIntervalSince(time) < limits.disablementInterval { return }
    endpoints[request.key.endpoint]?.disabledAt = now
    disablements[request.key.endpoint] = "Deliveries have failed since \(Timestamp.text(failedSince)): \(outcome.error ?? "no response")"
  }

  /// Records whether an endpoint responds. When it does so again, its other lanes are tried at once.
  private mutating func note(_ outcome: DeliveryOutcome, of endpoint: EndpointKey, at now: Date) {
    switch outcome {
    case .unreachable: endpoints[endpoint]?.isFailing = true
    case .unsendable: break
    case .rejected: endpoints[endpoint]?.isFailing = false
    case .delivered:
      guard endpoints[endpoint]?.isFailing == true else { return }
      endpoints[endpoint]?.isFailing = false
      for key in retries.keys.filter({ $0.endpoint == endpoint }) {
        update(key) { $0.retryNow(now) }
        retries[key] = now
        nextRetry = now
      }
    }
  }

  private mutating func log(_ request: DeliveryRequest, _ result: DeliveryResult) {
    deliveries.append(
      DeliveryRecord(
        owner: request.endpoint.workspace, endpoint: request.endpoint.id, workspace: request.key.workspace,
        sequence: request.event.sequence, eventID: request.event.id, type: request.event.type, attempt: request.attempt,
        isAhead: request.isAhead, url: request.endpoint.url, result: result))
  }

  /// Ends a request that was cancelled: its outcome is unknown, and it is sent again.
  mutating func abandon(_ request: DeliveryRequest, at now: Date) {
    if request.isAhead {
      requestsAhead -= 1
      releaseRequest(of: request.key.endpoint, isAhead: true)
      update(request.key) { $0.failAhead(request.event, isUnreachable: true) }
    } else {
      requests -= 1
      if request.isProbe { probes -= 1 }
      releaseRequest(of: request.key.endpoint, isAhead: false)
      update(request.key) { $0.isSending = false }
    }
    arrange(request.key, at: now)
  }

  /// Ends a test; with nil, it was cancelled and is sent again later.
  mutating func end(_ test: TestOrder, _ result: DeliveryResult?) {
    requests -= 1
    guard let result else {
      knownTests.remove(test.id)
      return
    }
    finishedTests.append((test.endpoint.workspace, test.id))
    deliveries.append(
      DeliveryRecord(
        owner: test.endpoint.workspace, endpoint: test.endpoint.id, workspace: test.endpoint.workspace, sequence: nil,
        eventID: test.id.description, type: WebhookMessage.testType, attempt: 1, isAhead: false, url: test.endpoint.url, result: result))
  }

  /// Ends a refresh.
  mutating func end(_ refreshed: RefreshedEndpoints, at now: Date) {
    isRefreshing = false
    revision = max(revision, refreshed.revision)
    for endpoint in refreshed.changed { replace(endpoint, at: now) }
    for key in refreshed.deleted { removeEndpoint(key, at: now) }
    for stored in refreshed.lanes where ownership.owns(stored.key.workspace) {
      guard endpoints[stored.key.endpoint]?.isEnabled == true else { continue }
      if lanes[stored.key] == nil { load(stored, into: DeliveryLane()) } else { raise(stored.key, to: stored.latest) }
      arrange(stored.key, at: now)
    }
    let committed = committedMeanwhile
    committedMeanwhile = [:]
    for (workspace, latest) in committed where ownership.owns(workspace) {
      for endpoint in endpoints(of: workspace) where endpoints[endpoint]?.isEnabled == true {
        let key = LaneKey(endpoint: endpoint, workspace: workspace)
        raise(key, to: latest)
        arrange(key, at: now)
      }
    }
    for test in refreshed.tests where ownership.owns(test.endpoint.workspace) && knownTests.insert(test.id).inserted {
      tests.append(test)
    }
  }

  private mutating func raise(_ key: LaneKey, to latest: Int64) {
    update(key, default: DeliveryLane()) { $0.latest = max($0.latest, latest) }
  }

  private mutating func replace(_ endpoint: WebhookEndpoint, at now: Date) {
    let former = endpoints[endpoint.key]
    endpoints[endpoint.key] = Endpoint(
      value: endpoint, requests: former?.requests ?? 0, requestsAhead: former?.requestsAhead ?? 0, isFailing: former?.isFailing ?? false)
    endpointsByOwner[endpoint.workspace, default: []].insert(endpoint.key)
    invalidateLanes(of: endpoint.key, at: now)
  }

  private mutating func removeEndpoint(_ key: EndpointKey, at now: Date) {
    guard endpoints.removeValue(forKey: key) != nil else { return }
    endpointsByOwner[key.owner]?.remove(key)
    if endpointsByOwner[key.owner]?.isEmpty == true { endpointsByOwner[key.owner] = nil }
    invalidateLanes(of: key, at: now)
  }

  /// Reads the lanes of an endpoint again, since an order may have changed the cursors, and another filter applies to the events in memory.
  private mutating func invalidateLanes(of endpoint: EndpointKey, at now: Date) {
    for key in lanes.keys.filter({ $0.endpoint == endpoint }) {
      lanes[key]?.isStale = true
      arrange(key, at: now)
    }
  }

  /// Ends a query of cursors.
  mutating func end(_ keys: [LaneKey], _ stored: [StoredLane], at now: Date) {
    isLoading = false
    for lane in stored where lanes[lane.key]?.phase == .loading { load(lane, into: nil) }
    // A lane whose endpoint was deleted meanwhile has no cursor.
    for key in keys where lanes[key]?.phase == .loading { remove(key) }
    for key in keys { arrange(key, at: now) }
  }

  private mutating func load(_ stored: StoredLane, into new: DeliveryLane?) {
    update(stored.key, default: new) { $0.load(stored.cursor, latest: stored.latest) }
    guard let lane = lanes[stored.key] else { return }
    // As after a first failure.
    if lane.cursor.nextAttemptAt != nil, lane.pending > 1 { toReadUrgent.append(stored.key) }
  }

  /// Ends a query of the event log.
  ///
  /// - Parameter events: The events; without data if the endpoint did not receive their types.
  /// - Returns: The number of events that are missing, because the log keeps events for a limited time.
  mutating func end(read key: LaneKey, after: Int64, latest: Int64, _ events: [LoggedEvent], at now: Date) -> Int64 {
    reads -= 1
    var missing: Int64 = 0
    let endpoint = endpoints[key.endpoint]?.value
    update(key) { lane in
      guard lane.isReading else { return }
      lane.isReading = false
      guard let endpoint, !lane.isStale, lane.readThrough == after else { return }
      missing = lane.append(page: events.map { ($0, endpoint.receives(type: $0.type)) }, readAt: latest)
    }
    arrange(key, at: now)
    return missing
  }

  /// Ends a query for events that are attempted ahead of their turn.
  mutating func end(readUrgent key: LaneKey, _ events: [LoggedEvent], at now: Date) {
    reads -= 1
    guard let endpoint = endpoints[key.endpoint]?.value else { return }
    update(key) { lane in
      for event in events where endpoint.receives(type: event.type) && event.sequence > lane.cursor.lastSequence + 1 {
        lane.addUrgent(event)
      }
    }
    arrange(key, at: now)
  }
}

// Recording.
extension DeliveryPlan {
  /// Whether there are results to record.
  var hasResults: Bool { !dirty.isEmpty || !deliveries.isEmpty || !finishedTests.isEmpty }

  /// Takes the results to record.
  mutating func takeResults() -> DeliveryRecording {
    var result = DeliveryRecording(deliveries: deliveries, tests: finishedTests)
    deliveries = []
    finishedTests = []
    for key in dirty {
      guard let lane = lanes[key], lane.isDirty else { continue }
      update(key) { $0.isDirty = false }
      guard endpoints[key.endpoint] != nil else {
        if !lane.isBusy { remove(key) }
        continue
      }
      recording.insert(key)
      result.lanes.append((key, lane.cursor))
    }
    dirty = []
    return result
  }

  /// Ends the recording of results.
  ///
  /// - Parameter confirmed: The lanes that were recorded. The cursors of the others have changed in the database, and are read again.
  mutating func end(_ recorded: DeliveryRecording, confirmed: Set<LaneKey>, at now: Date) {
    for (key, _) in recorded.lanes {
      recording.remove(key)
      if !confirmed.contains(key) { lanes[key]?.isStale = true }
      arrange(key, at: now)
    }
    for test in recorded.tests { knownTests.remove(test.id) }
  }
}
