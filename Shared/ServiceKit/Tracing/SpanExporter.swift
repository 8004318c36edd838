import AsyncHTTPClient
import Foundation
import Logging
import Metrics
import NIOCore
import NIOHTTP1
import ServiceLifecycle

/// Sends spans to a collector over OTLP/HTTP, in batches: at the latest a second after their end, and the rest when the process ends.
///
/// While the collector is unavailable, a batch is repeated a few times; then it is dropped and counted. Further spans wait in the queue, which
/// is bounded.
struct SpanExporter: Service {
  /// Where and how spans are sent.
  struct Configuration: Sendable {
    /// The URL of the collector with the path of traces, `http://collector:4318/v1/traces`.
    var url: String
    /// Headers of each request, for example with a credential.
    var headers: [String: String] = [:]
    /// How long spans are gathered.
    var gathering = Duration.seconds(1)
    /// The wait before the first repetition. It doubles with each.
    var retryDelay = Duration.seconds(1)
    /// How often a batch is sent.
    var attempts = 5
    /// The time limit of a request.
    var timeout = Duration.seconds(10)
    /// How long the last spans may take when the process ends.
    var shutdownLimit = Duration.milliseconds(1500)
    /// The maximum number of spans in a request.
    var batch = 512
  }

  let queue: SpanQueue
  let configuration: Configuration
  let document: OTLPDocument
  let logger: Logger

  private let exported = Counter(label: "rollcall_spans_exported_total")
  private let lost = Counter(label: "rollcall_spans_lost_total", dimensions: [("reason", "not-accepted")])

  init(queue: SpanQueue, configuration: Configuration, resource: OTLPDocument.Resource, logger: Logger) {
    self.queue = queue
    self.configuration = configuration
    document = OTLPDocument(resource: resource)
    self.logger = logger
  }

  func run() async throws {
    var settings = HTTPClient.Configuration()
    // The requests of the exporter are no part of a trace.
    settings.tracing.tracer = nil
    settings.redirectConfiguration = .disallow
    settings.timeout = .init(connect: .seconds(5))
    let client = HTTPClient(configuration: settings)
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await export(with: client) }
      group.addTask {
        do {
          try await gracefulShutdown()
        } catch {
          // Cancelled: all spans were sent, or the process ends because of an error.
          return
        }
        queue.finish()
        await wait(configuration.shutdownLimit)
      }
      await group.next()
      group.cancelAll()
    }
    lost.increment(by: queue.count)
    do {
      try await client.shutdown()
    } catch {
      logger.debug("the connections to the collector were not closed in order", metadata: ["error": "\(error)"])
    }
  }

  /// Sends spans until shutdown, and then what is left.
  private func export(with client: HTTPClient) async {
    var isAvailable = true
    for await _ in queue.signals {
      await pause(configuration.gathering)
      isAvailable = await sendAll(with: client, wasAvailable: isAvailable)
    }
    _ = await sendAll(with: client, wasAvailable: isAvailable)
  }

  /// Sends the spans of the queue until it is empty. Returns whether the collector accepted the last ones.
  private func sendAll(with client: HTTPClient, wasAvailable: Bool) async -> Bool {
    var isAvailable = wasAvailable
    while !Task.isCancelled {
      let spans = queue.take(atMost: configuration.batch)
      guard !spans.isEmpty else { break }
      let wasAvailable = isAvailable
      isAvailable = await send(spans, warning: wasAvailable, with: client)
      if isAvailable, !wasAvailable { logger.notice("the collector accepts spans again") }
    }
    return isAvailable
  }

  /// Sends a batch, several times if necessary, but only once during the shutdown. Returns whether the collector accepted it.
  ///
  /// - Parameter warning: Whether a failure is logged as a warning.
  private func send(_ spans: [FinishedSpan], warning: Bool, with client: HTTPClient) async -> Bool {
    let body = ByteBuffer(bytes: document.json(spans))
    var delay = configuration.retryDelay
    var attempt = 1
    while true {
      switch await post(body, with: client) {
      case .accepted(let rejected):
        let rejected = min(rejected, spans.count)
        exported.increment(by: spans.count - rejected)
        if rejected > 0 {
          lost.increment(by: rejected)
          logger.log(level: warning ? .warning : .debug, "the collector rejected spans", metadata: ["spans": "\(rejected)"])
        }
        return true
      case .failed(let reason, let isTemporary):
        logger.log(
          level: warning && attempt == 1 ? .warning : .debug, "cannot export spans",
          metadata: ["error": "\(reason)", "spans": "\(spans.count)", "attempt": "\(attempt)"])
        guard isTemporary, attempt < configuration.attempts, !Task.isShuttingDownGracefully, !Task.isCancelled else {
          lost.increment(by: spans.count)
          return false
        }
        attempt += 1
        await pause(delay)
        delay = min(delay * 2, .seconds(30))
      }
    }
  }

  private enum Outcome {
    /// The collector accepted the spans, but for a number of them.
    case accepted(rejected: Int)
    case failed(String, isTemporary: Bool)
  }

  private func post(_ body: ByteBuffer, with client: HTTPClient) async -> Outcome {
    var request = HTTPClientRequest(url: configuration.url)
    request.method = .POST
    for (name, value) in configuration.headers { request.headers.replaceOrAdd(name: name, value: value) }
    request.headers.replaceOrAdd(name: "content-type", value: "application/json")
    request.headers.replaceOrAdd(name: "user-agent", value: "Rollcall")
    request.body = .bytes(body)
    do {
      let response = try await client.execute(request, timeout: .nanoseconds(Int64(configuration.timeout / .nanoseconds(1))))
      let answer = try await response.body.collect(upTo: Self.maximumResponse)
      let status = Int(response.status.code)
      guard (200..<300).contains(status) else {
        return .failed("the response had the status \(status)", isTemporary: Self.temporary.contains(status))
      }
      return .accepted(rejected: PartialSuccess.rejectedSpans(in: Data(answer.readableBytesView)))
    } catch {
      return .failed("\(error)", isTemporary: true)
    }
  }

  /// The statuses after which OTLP/HTTP lets a client try again.
  private static let temporary: Set<Int> = [429, 502, 503, 504]
  private static let maximumResponse = 1 << 20

  /// Waits, but not beyond the begin of the shutdown.
  private func pause(_ duration: Duration) async {
    await cancelWhenGracefulShutdown { await wait(duration) }
  }

  /// Waits until the task is cancelled, at most for `duration`.
  private func wait(_ duration: Duration) async {
    do {
      try await Task.sleep(for: duration)
    } catch {
      // Cancelled: there is nothing to wait for.
    }
  }
}

/// The body of a response to an export.
private struct PartialSuccess: Decodable {
  struct Details: Decodable {
    var rejectedSpans: Int

    private enum CodingKeys: CodingKey { case rejectedSpans }

    /// JSON Protobuf has 64-bit numbers as strings, and accepts numbers.
    init(from decoder: any Decoder) throws {
      let values = try decoder.container(keyedBy: CodingKeys.self)
      do {
        rejectedSpans = Int(try values.decodeIfPresent(String.self, forKey: .rejectedSpans) ?? "0") ?? 0
      } catch {
        rejectedSpans = try values.decode(Int.self, forKey: .rejectedSpans)
      }
    }
  }

  var partialSuccess: Details?

  /// The number of spans that the collector rejected; 0 if the body does not say so, since the status says that it accepted them.
  static func rejectedSpans(in body: Data) -> Int {
    do {
      return max(0, try JSONDecoder().decode(PartialSuccess.self, from: body).partialSuccess?.rejectedSpans ?? 0)
    } catch {
      return 0
    }
  }
}
