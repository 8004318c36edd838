import Synchronization

/// The readiness of the process: named checks of its dependencies.
public final class Health: Sendable {
  /// A readiness check: returns the problem, or nil if there is none.
  public typealias Check = @Sendable () async -> String?

  /// Describes a part of the process that has no effect on its readiness.
  public typealias Detail = @Sendable () -> String

  private let checks = Mutex<[(name: String, check: Check)]>([])
  private let details = Mutex<[(name: String, detail: Detail)]>([])
  private let processProblem = Mutex<String?>("starting")

  init() {}

  /// Adds a check.
  ///
  /// - Parameters:
  ///   - name: The name in the response of `/readyz`, for example `postgres`.
  ///   - check: Returns the problem, or nil. It fails after three seconds, so it must respond to cancellation or have its own time limit.
  public func add(_ name: String, check: @escaping Check) {
    checks.withLock { $0.append((name, check)) }
  }

  /// Adds a part that the process can do without. `/readyz` describes it.
  ///
  /// - Parameter name: The name in the response of `/readyz`.
  public func addDetail(_ name: String, detail: @escaping Detail) {
    details.withLock { $0.append((name, detail)) }
  }

  /// The descriptions of the parts that the process can do without, by their names.
  var currentDetails: [String: String] {
    let details = details.withLock { $0 }
    return Dictionary(details.map { ($0.name, $0.detail()) }) { first, _ in first }
  }

  /// Sets why the process itself is not ready: it waits for a dependency, or is stopping. nil while it is ready.
  func setProcessProblem(_ problem: String?) {
    processProblem.withLock { $0 = problem }
  }

  /// The current problems by the name of the check; empty if the process is ready.
  func problems() async -> [String: String] {
    var problems: [String: String] = [:]
    if let problem = processProblem.withLock({ $0 }) { problems["process"] = problem }
    let checks = checks.withLock { $0 }
    return await withTaskGroup(of: (String, String?).self) { group in
      for (name, check) in checks {
        group.addTask { (name, await Self.bounded(check)) }
      }
      for await (name, problem) in group where problem != nil { problems[name] = problem }
      return problems
    }
  }

  private static func bounded(_ check: @escaping Check) async -> String? {
    await withTaskGroup(of: String?.self) { group in
      group.addTask(operation: check)
      group.addTask {
        do {
          try await Task.sleep(for: .seconds(3))
          return "no answer within 3 seconds"
        } catch {
          return nil
        }
      }
      defer { group.cancelAll() }
      return await group.next() ?? nil
    }
  }
}
