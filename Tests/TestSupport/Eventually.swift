/// Waits until a condition is true; checks it every 20 ms.
///
/// - Parameters:
///   - what: A description of the condition, for the error.
///   - limit: The maximum time. It is generous, since only a failing test waits that long.
/// - Throws: ``TimeoutError``, or the condition's error if the last check threw.
public func eventually(
  _ what: @autoclosure () -> String, within limit: Duration = .seconds(60), isolation: isolated (any Actor)? = #isolation,
  _ condition: () async throws -> Bool
) async throws {
  let deadline = ContinuousClock.now + limit
  while true {
    do {
      if try await condition() { return }
      guard ContinuousClock.now < deadline else { throw TimeoutError(what: what(), limit: limit) }
    } catch {
      guard ContinuousClock.now < deadline else { throw error }
    }
    try await Task.sleep(for: .milliseconds(20))
  }
}

/// The error for a condition that did not become true in time.
public struct TimeoutError: Error, CustomStringConvertible {
  /// The description of the condition.
  public let what: String
  /// The time limit.
  public let limit: Duration

  /// The condition and the limit.
  public var description: String { "timed out after \(limit) waiting for \(what)" }
}
