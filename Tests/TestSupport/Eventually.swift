/// Waits until a condition holds, looking again every 20 ms.
///
/// - Parameters:
///   - what: What is waited for, for the error's message.
///   - limit: How long at most. Generous: only a failing test ever waits so long.
/// - Throws: ``NotInTime``, or the condition's own error where that came last.
public func eventually(
  _ what: @autoclosure () -> String, within limit: Duration = .seconds(60), isolation: isolated (any Actor)? = #isolation,
  _ condition: () async throws -> Bool
) async throws {
  let deadline = ContinuousClock.now + limit
  while true {
    do {
      if try await condition() { return }
      guard ContinuousClock.now < deadline else { throw NotInTime(what: what(), limit: limit) }
    } catch {
      guard ContinuousClock.now < deadline else { throw error }
    }
    try await Task.sleep(for: .milliseconds(20))
  }
}

/// A condition did not come to hold.
public struct NotInTime: Error, CustomStringConvertible {
  public let what: String
  public let limit: Duration

  public var description: String { "\(what) did not come about within \(limit)" }
}
