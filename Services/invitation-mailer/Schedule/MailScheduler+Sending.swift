import Foundation
import Postgres
import ServiceLifecycle

// Sending as the leader.
extension MailScheduler {
  private enum Completion: Sendable {
    case attempted(SMTPConnection, MailSender.Result)
    case recorded(MailSender.NextMails)
    /// Results were gathered for long enough.
    case gathered
    /// The queue has changed.
    case signalled
    /// The process shuts down.
    case ended
    case alarm(Date)
  }

  private typealias Work = ThrowingTaskGroup<Completion, any Error>

  /// Sends everything that becomes due, over all connections, until shutdown.
  ///
  /// Mails are claimed shortly before they are sent, so that no person is mailed who was disabled or deleted before, and over the session that
  /// holds the lock, so that a replica that lost the lock stops.
  nonisolated(nonsending) func send(_ session: PostgresSession) async throws {
    var state = SendState(connections: connections, rateLimiter: rateLimiter)
    let signals = queue.signals()
    queue.noteDue(at: .distantPast)
    // After an error, the claims of mails in the queue are released as soon as this process is the leader again.
    defer { queue.abandonAll() }
    try await withThrowingTaskGroup(of: Completion.self) { work in
      awaitSignal(signals, &work)
      while true {
        state.isEnding = state.isEnding || isEnding
        do {
          try await sendDue(session, &state, &work)
        } catch {
          // Mails in flight are completed first, because their results must be recorded.
          state.failure = error
        }
        record(&state, &work)
        if state.isIdle, state.isEnding || state.failure != nil { break }
        if state.failure == nil, !state.isEnding { setAlarm(&state, &work) }
        switch try await work.next() {
        case .attempted(let connection, let result)?: state.attempted(result, over: connection)
        case .recorded(let next)?:
          state.recording = 0
          if let time = next.invitation { queue.endLook(nextDue: time) }
          if let time = next.notice { state.nextNoticeLook = min(state.nextNoticeLook, time) }
        case .gathered?:
          state.isGathering = false
          state.isGathered = !state.results.isEmpty
        case .signalled?: awaitSignal(signals, &work)
        case .alarm(let time)?: if state.alarm == time { state.alarm = nil }
        case .ended?, nil: state.isEnding = true
        }
      }
      work.cancelAll()
    }
    if let failure = state.failure { throw failure }
    try await release(queue.close(), session)
  }

  /// Does what is due, and starts a mail on each idle connection.
  private nonisolated(nonsending) func sendDue(_ session: PostgresSession, _ state: inout SendState, _ work: inout Work) async throws {
    guard !state.isEnding, state.failure == nil else { return }
    let now = Date.now
    try await releaseUnsent(session, &state)
    if state.nextMaintenance <= now {
      try await maintain(session)
      state.nextMaintenance = now.addingTimeInterval(30 * (interval / .seconds(1)))
      state.nextNoticeLook = now
    }
    if let since = queue.takeNotices() {
      state.nextNoticeLook = min(
        state.nextNoticeLook, since.addingTimeInterval(noticeThrottle.collectionPeriod / .seconds(1) + Self.shortestAlarm))
    }
    if case .paused(let end) = state.availability, end <= now { state.availability = .probing }
    while state.maySend {
      try await claimDue(session, &state)
      guard let mail = queue.next() else { break }
      let connection = state.idle.removeLast()
      work.addTask { [sender] in .attempted(connection, .init(attempt: try await sender.attempt(mail, over: connection), mail: mail)) }
    }
    // Mails that are stored now wait behind those that are due already.
    queue.open(limit: queue.nextDue <= .now ? 0 : state.queueLimit)
  }

  /// Releases the claims of mails that are not sent soon.
  private nonisolated(nonsending) func releaseUnsent(_ session: PostgresSession, _ state: inout SendState) async throws {
    let abandoned = queue.takeAbandoned()
    if !abandoned.isEmpty {
      try await sender.store.release(abandoned, at: .now, in: session)
      queue.noteDue(at: .now)
    }
    guard state.availability == .lost, state.isIdle else { return }
    try await release(queue.close(), session)
    queue.noteDue(at: .now)
    state.pauseSending(at: .now)
  }

  private func record(_ state: inout SendState, _ work: inout Work) {
    let results = state.takeResults()
    if !results.isEmpty {
      let pause = state.pause
      work.addTask { [sender] in .recorded(try await sender.record(results, pause: pause)) }
    } else if !state.results.isEmpty, state.recording == 0, !state.isGathering {
      state.isGathering = true
      work.addTask {
        try await Task.sleep(for: Self.gathering)
        return .gathered
      }
    }
  }

  private func awaitSignal(_ signals: AsyncStream<Void>, _ work: inout Work) {
    work.addTask {
      for await _ in signals { return .signalled }
      return .ended
    }
  }

  /// Starts a timer for the next time at which there is something to do.
  private func setAlarm(_ state: inout SendState, _ work: inout Work) {
    var times = [state.nextMaintenance]
    if state.maySend { times += [state.nextNoticeLook, state.nextLook, queue.nextDue] }
    if case .paused(let end) = state.availability { times.append(end) }
    let now = Date.now
    guard let time = times.min().map({ max($0, now + Self.shortestAlarm) }), state.alarm.map({ time < $0 }) ?? true else { return }
    state.alarm = time
    work.addTask {
      try await Task.sleep(for: .seconds(time.timeIntervalSince(now)))
      return .alarm(time)
    }
  }

  /// How long results are gathered, while other mails are being sent.
  private static let gathering = Duration.milliseconds(10)
  private static let shortestAlarm: TimeInterval = 0.01
}
