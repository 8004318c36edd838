import DequeModule
import Models

/// The lanes that have something to send. Endpoints take turns, so that one with many lanes does not delay the others.
struct ReadyQueue: Sendable {
  private var lanes: [EndpointKey: Deque<LaneKey>] = [:]
  private var turns: Deque<EndpointKey> = []

  /// Adds a lane after the others of its endpoint.
  mutating func append(_ key: LaneKey) {
    if lanes[key.endpoint] == nil { turns.append(key.endpoint) }
    lanes[key.endpoint, default: []].append(key)
  }

  /// Removes and returns the next lane.
  ///
  /// - Parameter mayStart: Whether an endpoint may have another request now.
  mutating func next(where mayStart: (EndpointKey) -> Bool) -> LaneKey? {
    for _ in 0..<turns.count {
      guard let endpoint = turns.popFirst() else { return nil }
      guard mayStart(endpoint), let key = lanes[endpoint]?.popFirst() else {
        turns.append(endpoint)
        continue
      }
      if lanes[endpoint]?.isEmpty ?? true { lanes[endpoint] = nil } else { turns.append(endpoint) }
      return key
    }
    return nil
  }
}
