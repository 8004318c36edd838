import Synchronization

/// Whether the process can do its work, by checks of what it depends on.
public final class Health: Sendable {
  /// One thing that is to be well.
  public typealias Check = @Sendable () async -> String?

  private let checks = Mutex<[(name: String, check: Check)]>([])
  private let occupation = Mutex<String?>("starting")

  init() {}

  /// Adds a check.
  ///
  /// - Parameters:
  ///   - name: What it is about, `postgres`.
  ///   - check: Says what is wrong, nil where nothing is. One that takes longer than three seconds counts as failed; it heeds
  ///     cancellation, or has a limit of its own.
  public func add(_ name: String, check: @escaping Check) {
    checks.withLock { $0.append((name, check)) }
  }

  /// Says what the process does in place of its work: what it waits for before it begins, or that it stops. nil while it works.
  func setOccupation(_ what: String?) {
    occupation.withLock { $0 = what }
  }

  /// What is wrong, by the names of the checks; empty where the process is ready.
  func problems() async -> [String: String] {
    var problems: [String: String] = [:]
    if let occupation = occupation.withLock({ $0 }) { problems["process"] = occupation }
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
