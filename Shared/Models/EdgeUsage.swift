import Foundation

/// The requests that one `scim-api` process has accepted since its last message, published on `edge.usage`. The other processes subtract
/// them from their own rate limits.
public struct EdgeUsage: Sendable, Hashable {
  /// This run of the process: a new id after each start. Ids of the same host sort by the time of the start.
  public var edge: EdgeID
  /// The host and the name of the process, the same after a restart: `web-1 scim-api/0`.
  public var process: String
  /// The number of the message, from 1, among those of the edge.
  public var sequence: Int
  /// Whether the edge is shutting down and sends no further message.
  public var isLeaving: Bool
  /// The accepted requests. Empty in a message that only announces the edge.
  public var counts: Counts

  /// Creates a message.
  public init(edge: EdgeID, process: String, sequence: Int, isLeaving: Bool = false, counts: Counts = Counts()) {
    self.edge = edge
    self.process = process
    self.sequence = sequence
    self.isLeaving = isLeaving
    self.counts = counts
  }

  /// Numbers of requests, by what they count for. A request may count for a token and for a workspace.
  public struct Counts: Sendable, Hashable {
    /// Requests of workspaces.
    public var workspaces: [WorkspaceID: Int] = [:]
    /// Requests with tokens of workspaces.
    public var tokens: [TokenID: Int] = [:]
    /// Requests with deployment-wide tokens.
    public var deploymentTokens: [TokenID: Int] = [:]

    /// Creates counts without any request.
    public init() {}

    /// Whether there are no requests.
    public var isEmpty: Bool { workspaces.isEmpty && tokens.isEmpty && deploymentTokens.isEmpty }

    /// The number of counters.
    public var size: Int { workspaces.count + tokens.count + deploymentTokens.count }

    /// Removes and returns at most `maximum` counters.
    public mutating func take(atMost maximum: Int) -> Counts {
      guard size > maximum else {
        defer { self = Counts() }
        return self
      }
      var taken = Counts()
      taken.workspaces = Self.take(&workspaces, atMost: maximum)
      taken.tokens = Self.take(&tokens, atMost: maximum - taken.size)
      taken.deploymentTokens = Self.take(&deploymentTokens, atMost: maximum - taken.size)
      return taken
    }

    private static func take<Owner>(_ counts: inout [Owner: Int], atMost maximum: Int) -> [Owner: Int] {
      let taken = counts.prefix(maximum)
      for (owner, _) in taken { counts[owner] = nil }
      return Dictionary(uniqueKeysWithValues: taken.map { ($0.key, $0.value) })
    }
  }

  /// The CloudEvents type.
  public static let eventType = "rollcall.edge.usage.v1"
  /// The maximum number of counters in a message, so that it stays below 1 MiB.
  public static let maximumCounters = 10_000
  /// The partition of all messages: every edge reads all of them.
  public static let partition: Int32 = 0
}

/// Identifies one run of a `scim-api` process.
public typealias EdgeID = Identifier<EdgeUsage>

extension EdgeUsage {
  /// The message with these counts.
  ///
  /// - Parameter source: The process that produces it, such as `scim-api/0`.
  /// - Throws: The error of `JSONEncoder`.
  public func cloudEvent(source: String, time: Date) throws -> CloudEvent {
    CloudEvent(
      id: "\(edge)-\(sequence)", source: source, type: Self.eventType, subject: edge.description, time: time,
      data: try JSONData.encode(Payload(self)))
  }

  /// Reads the counts from their message.
  ///
  /// - Throws: ``MessageError`` if the message is of another type or malformed.
  public init(_ event: CloudEvent) throws(MessageError) {
    guard event.type == Self.eventType else { throw .unreadable(event.type, known: [Self.eventType]) }
    let payload: Payload = try JSONData.decode(from: event.data, type: event.type)
    self.init(edge: payload.edge, process: payload.process, sequence: payload.sequence, isLeaving: payload.leaving ?? false)
    counts.workspaces = try Self.counts(payload.workspaces)
    counts.tokens = try Self.counts(payload.tokens)
    counts.deploymentTokens = try Self.counts(payload.deploymentTokens)
  }

  private static func counts<Subject>(_ texts: [String: Int]?) throws(MessageError) -> [Identifier<Subject>: Int] {
    var counts: [Identifier<Subject>: Int] = [:]
    for (text, count) in texts ?? [:] {
      guard let id = Identifier<Subject>(text), (1...maximumCount).contains(count) else {
        throw .undecodable(type: eventType, reason: "'\(text.prefix(100))': \(count) is no id with a positive number of requests")
      }
      counts[id] = count
    }
    return counts
  }

  private static let maximumCount = 1_000_000_000

  /// The JSON form. What is empty is left out.
  private struct Payload: Codable {
    var edge: EdgeID
    var process: String
    var sequence: Int
    var leaving: Bool?
    var workspaces: [String: Int]?
    var tokens: [String: Int]?
    var deploymentTokens: [String: Int]?

    init(_ usage: EdgeUsage) {
      edge = usage.edge
      process = usage.process
      sequence = usage.sequence
      leaving = usage.isLeaving ? true : nil
      workspaces = Self.texts(usage.counts.workspaces)
      tokens = Self.texts(usage.counts.tokens)
      deploymentTokens = Self.texts(usage.counts.deploymentTokens)
    }

    private static func texts<Subject>(_ counts: [Identifier<Subject>: Int]) -> [String: Int]? {
      counts.isEmpty ? nil : Dictionary(uniqueKeysWithValues: counts.map { ("\($0.key)", $0.value) })
    }
  }
}
