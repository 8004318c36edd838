import EdgeHTTP
import EdgeReads
import Foundation
import Logging
import Models
import Postgres

/// Sends sign-ins to identity-store as commands, and awaits their outcomes. The response to a sign-in that the product waits for comes from
/// here; other sign-ins go through `sign-in.events`.
struct SignInDecisions: Sendable {
  let commands: CommandClient
  let user: SignedInUser.Read

  /// The maximum number of commands in flight of one request.
  static let maximumInFlight = 50

  /// The outcomes of `signIns` in their order; ``SignInResult/pending`` where there is none within `wait`.
  ///
  /// A refusal of a single sign-in is an error. In a batch it must not hide the outcomes of the others, for example because one workspace is
  /// suspended: that sign-in is ``SignInResult/pending``, and is ignored when it is processed.
  ///
  /// - Throws: ``APIError`` if identity-store refuses a single sign-in; `CancellationError`.
  func results(
    of signIns: [SignIn], isBatch: Bool, within wait: Duration, by actor: Command.Actor, info: RequestInfo, logger: Logger
  ) async throws -> [SignInResult] {
    // identity-store starts no command after the wait, and then the sign-in is processed in the other way.
    let commands = commands.startingWithin(wait / .seconds(1))
    // The log entry of the request names no command and no user: a batch has many, and a member's timeline lists what the identity provider sent.
    let info = RequestInfo(continuing: info)
    var results = signIns.map { _ in SignInResult.pending }
    try await withThrowingTaskGroup(of: (Int, SignInResult)?.self) { group in
      group.addTask {
        try await Task.sleep(for: wait)
        return nil
      }
      var next = 0
      func start() {
        guard next < signIns.count else { return }
        let number = next
        next += 1
        group.addTask {
          do {
            return (number, try await result(of: signIns[number], commands, by: actor, info: info, logger: logger))
          } catch let refusal as APIError where isBatch {
            logger.debug("a sign-in of a batch is refused", metadata: ["reason": "\(refusal.error.detail)"])
            return (number, .pending)
          }
        }
      }
      for _ in 0..<Self.maximumInFlight { start() }
      var waiting = signIns.count
      while waiting > 0, let ended = try await group.next() {
        guard let (number, result) = ended else { break }
        results[number] = result
        waiting -= 1
        start()
      }
      group.cancelAll()
    }
    return results
  }

  private func result(
    of signIn: SignIn, _ commands: CommandClient, by actor: Command.Actor, info: RequestInfo, logger: Logger
  ) async throws -> SignInResult {
    let outcome: Reply.Outcome
    do {
      outcome = try await commands.execute(
        .promoteUser(signIn), on: signIn.user?.resource ?? signIn.workspace.resource, in: signIn.workspace, by: actor, info: info)
    } catch let error as APIError where error.error.status == 503 {
      return .pending
    }
    switch outcome {
    case .signIn(let outcome, let id):
      var user: SignedInUser?
      if let id {
        do {
          user = try await self.user(id, signIn.workspace)
        } catch let error as PostgresError where error.isTransient {
          // The outcome is known, and says enough.
          logger.warning("responded without the profile: the database is unavailable", metadata: ["error": "\(error)"])
        }
      }
      return SignInResult(outcome, id: id, user: user)
    case .refused(503, _): return .pending
    case .refused(let status, let error): throw APIError(status: status, stored: error)
    // An older identity-store does not say what the outcome is.
    case .done, .resource, .bulk: return .pending
    }
  }
}

extension RequestInfo {
  /// The info of commands in the trace of a request.
  fileprivate convenience init(continuing request: RequestInfo) {
    self.init(peer: request.peer)
    if let trace = request.fields.trace { record(trace: trace) }
  }
}
