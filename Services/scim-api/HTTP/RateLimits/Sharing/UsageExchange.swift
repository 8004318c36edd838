import Models

/// Decides which messages about usage an edge sends, and which messages of others it counts. The time is passed in.
///
/// An edge announces itself at its start, and everyone who hears of an unknown edge answers. While there is usage, edges that have none answer
/// from time to time, so that those that died are forgotten. So an edge that is alone sends nothing, and neither do idle ones.
///
/// Each edge reads its own messages, too: the time that one takes shows, on the edge's own clock, whether messages arrive. Only one is on its
/// way at a time, so that after an outage there is no old usage to deliver.
struct UsageExchange: Sendable {
  /// How long this edge waits for others, in seconds.
  enum Timing {
    /// After this long without a message, an edge answers the usage of others.
    static let answer = 3.0
    /// An edge that has not answered usage for this long is forgotten.
    static let forgetting = 10.0
    /// A message that takes longer has not arrived in time.
    static let delivery = 3.0
  }

  private struct Sent: Sendable {
    var sequence: Int
    var time: Double
    /// Whether Kafka has acknowledged or rejected it.
    var isDone = false
  }

  private struct Other: Sendable {
    /// The number of its last message. A message that is delivered again counts once.
    var lastSequence: Int
    /// When it was received.
    var heardAt: Double
    /// When this edge sent the first usage that the other one must answer and has not; nil if there is none.
    var unansweredSince: Double?

    func isForgotten(at now: Double) -> Bool { unansweredSince.map { now - $0 > Timing.forgetting } ?? false }
  }

  private let edge: EdgeID
  private let process: String
  private var others: [EdgeID: Other] = [:]
  private var isAnnouncementDue = false
  private var sequence = 0
  private var lastSentAt = -Double.infinity
  /// The message of this edge that it has not read yet.
  private var sent: Sent?
  /// Whether messages do not arrive, so that this edge limits by itself.
  private(set) var isInterrupted = false

  /// The maximum number of other edges. Further ones are not answered.
  private static let maximumOthers = 1000

  /// - Parameters:
  ///   - edge: this run of the process.
  ///   - process: the host and the name of the process.
  init(edge: EdgeID, process: String) {
    self.edge = edge
    self.process = process
  }

  /// The number of edges that share the limits, this one included; 1 while messages do not arrive.
  var edges: Int { isInterrupted ? 1 : others.count + 1 }

  /// Whether a message must be sent, or one is on its way, so that ``nextMessage(at:usage:)`` must be called again.
  var isUnsettled: Bool { isAnnouncementDue || sent != nil || isInterrupted }

  /// Announces this edge with the next message: other edges can be heard from now on.
  mutating func announce() { isAnnouncementDue = true }

  /// Takes a message that was read.
  ///
  /// - Returns: whether its counts must be subtracted.
  mutating func receive(_ message: EdgeUsage, at now: Double) -> Bool {
    if message.edge == edge {
      confirm(message.sequence, at: now)
      return false
    }
    // This process before its restart.
    if message.process == process, message.edge < edge { return false }
    let known = others[message.edge]
    if let known, message.sequence <= known.lastSequence { return false }
    if message.isLeaving {
      others[message.edge] = nil
    } else if known != nil {
      others[message.edge] = Other(lastSequence: message.sequence, heardAt: now)
      if !message.counts.isEmpty, now - lastSentAt >= Timing.answer { isAnnouncementDue = true }
    } else if others.count < Self.maximumOthers {
      others[message.edge] = Other(lastSequence: message.sequence, heardAt: now)
      isAnnouncementDue = true
    }
    return !isInterrupted
  }

  private mutating func confirm(_ sequence: Int, at now: Double) {
    guard let sent, sent.sequence == sequence else { return }
    self.sent = nil
    guard now - sent.time <= Timing.delivery else {
      // What was read before it is as old. The next message shows whether messages arrive in time again.
      isInterrupted = true
      isAnnouncementDue = true
      return
    }
    guard isInterrupted else { return }
    isInterrupted = false
    // Nobody could answer meanwhile.
    for other in others.keys { others[other]?.unansweredSince = nil }
  }

  /// The next message, if one is due. The caller sends it, and then calls ``didSend(_:)``.
  ///
  /// - Parameter usage: returns the requests that were accepted since the last message. Called only if they are sent.
  mutating func nextMessage(at now: Double, usage: () -> EdgeUsage.Counts) -> EdgeUsage? {
    if let sent {
      if now - sent.time > Timing.delivery { isInterrupted = true }
      guard isInterrupted, sent.isDone, now - lastSentAt > Timing.delivery else { return nil }
      // The message is lost, or nothing can be read.
      isAnnouncementDue = true
    }
    if !isInterrupted { others = others.filter { !$0.value.isForgotten(at: now) } }
    let counts = edges > 1 ? usage() : EdgeUsage.Counts()
    guard isAnnouncementDue || !counts.isEmpty else { return nil }
    if !counts.isEmpty {
      // An edge that has sent a message just before does not answer.
      for (edge, other) in others where other.unansweredSince == nil && now - other.heardAt >= Timing.answer {
        others[edge]?.unansweredSince = now
      }
    }
    return message(counts, at: now)
  }

  /// The last message, at shutdown; nil if no edge waits for it.
  mutating func lastMessage(at now: Double, usage: () -> EdgeUsage.Counts) -> EdgeUsage? {
    guard edges > 1 else { return nil }
    var last = message(usage(), at: now)
    last.isLeaving = true
    return last
  }

  private mutating func message(_ counts: EdgeUsage.Counts, at now: Double) -> EdgeUsage {
    sequence += 1
    isAnnouncementDue = false
    lastSentAt = now
    sent = Sent(sequence: sequence, time: now)
    return EdgeUsage(edge: edge, process: process, sequence: sequence, counts: counts)
  }

  /// Records that Kafka has acknowledged or rejected a message.
  mutating func didSend(_ sequence: Int) {
    if sent?.sequence == sequence { sent?.isDone = true }
  }
}
