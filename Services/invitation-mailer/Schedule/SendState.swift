import Foundation
import Models

/// The state of the sending leader.
struct SendState {
  /// The number of connections to the mail server.
  let connections: Int
  /// The connections that are not sending a mail.
  var idle: [SMTPConnection]
  var rateLimiter: DomainRateLimiter
  /// The time slots of invitations that the rate limiter postponed.
  var slots: [InvitationID: Date] = [:]
  var rate = SendRate()
  /// Results that are not being recorded yet.
  var results: [MailSender.Result] = []
  /// The number of results that are being recorded.
  var recording = 0
  /// Whether a timer runs that ends the gathering of results.
  var isGathering = false
  /// Whether results have been gathered for long enough.
  var isGathered = false
  var availability = Availability.available
  /// How long sending pauses if the mail server is unavailable.
  var pause = Self.minimumPause
  /// When the leader looks at the database, although it knows of no due mail.
  var nextLook = Date.distantPast
  var nextNoticeLook = Date.distantPast
  var nextMaintenance = Date.distantPast
  /// When the next timer ends that makes the leader look again; nil if none runs.
  var alarm: Date?
  /// The error that ends the leadership.
  var failure: (any Error)?
  /// Whether the process shuts down.
  var isEnding = false

  /// The availability of the mail server.
  enum Availability: Equatable {
    case available
    /// A mail could not be handed over. Mails in flight are completed.
    case lost
    /// No mail is sent before this time.
    case paused(until: Date)
    /// A single mail finds out whether the server is available again.
    case probing
  }

  /// The delay between two probes of an unavailable mail server.
  static let minimumPause = Duration.seconds(1)
  private static let maximumPause = Duration.seconds(30)

  /// - Parameter connections: All connections, none of which is sending.
  init(connections: [SMTPConnection], rateLimiter: DomainRateLimiter) {
    self.connections = connections.count
    idle = connections
    self.rateLimiter = rateLimiter
  }

  var inFlight: Int { connections - idle.count }

  /// The number of mails that were tried and are not recorded. If the process ends, these may be sent twice.
  var unrecorded: Int { results.count + recording }

  /// Whether a mail may be started.
  var maySend: Bool {
    guard !isEnding, failure == nil, !idle.isEmpty, unrecorded < connections else { return false }
    switch availability {
    case .available: return true
    case .probing: return inFlight == 0
    case .lost, .paused: return false
    }
  }

  /// Whether nothing is left to be done before the leadership ends.
  var isIdle: Bool { inFlight == 0 && unrecorded == 0 }

  /// How many mails to claim: no more than are sent soon.
  var claimLimit: Int { availability == .probing ? 1 : idle.count + rate.claimAhead(connections: connections) }

  /// How many mails may be claimed when invitations are stored.
  var queueLimit: Int {
    // With a rate limit, the scheduler decides when a mail may be sent.
    availability == .available && rateLimiter.rate == nil ? connections + rate.claimAhead(connections: connections) : 0
  }

  /// Notes the result of an attempt.
  mutating func attempted(_ result: MailSender.Result, over connection: SMTPConnection) {
    idle.append(connection)
    results.append(result)
    guard result.attempt.result.serverIsAvailable else {
      availability = .lost
      return
    }
    rate.count(at: .now)
    if availability == .probing {
      availability = .available
      pause = Self.minimumPause
    }
  }

  /// Pauses sending, each time for twice as long.
  mutating func pauseSending(at now: Date) {
    availability = .paused(until: now.addingTimeInterval(pause / .seconds(1)))
    pause = min(pause * 2, Self.maximumPause)
  }

  /// Takes the results if they are to be recorded now: enough of them, all that are to be expected, or after some time.
  mutating func takeResults() -> [MailSender.Result] {
    guard recording == 0, !results.isEmpty, results.count >= connections || inFlight == 0 || isGathered else { return [] }
    defer {
      results = []
      isGathered = false
    }
    recording = results.count
    return results
  }
}
