import Kafka
import ServiceContextModule
import TestSupport
import Testing
import Tracing

@testable import ServiceKit

@Suite("Spans")
struct TracingTests {
  private static let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
  private static let unsampled = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"

  @Test("Only a sampled traceparent is parsed as one", arguments: [nil, "", "nonsense-1", Self.unsampled, Self.parent + "1"])
  func onlySampled(text: String?) {
    #expect(TraceContext.sampled(text) == nil)
    #expect(TraceContext.sampled(Self.parent)?.traceparent == Self.parent)
  }

  @Test("Traces start at the rate, after a burst of one second")
  func rate() {
    let start = ContinuousClock.now
    var limiter = TraceRateLimiter(rate: 2, now: start)
    let burst = (0..<5).count { _ in limiter.admits(at: start) }
    let later = (0..<5).count { _ in limiter.admits(at: start + .milliseconds(500)) }
    let muchLater = (0..<5).count { _ in limiter.admits(at: start + .seconds(60)) }
    #expect(burst == 2 && later == 1 && muchLater == 2)
    var none = TraceRateLimiter(rate: 0, now: start)
    let isAdmitted = none.admits(at: start + .seconds(60))
    #expect(!isAdmitted)
  }

  @Test("A span follows its parent, a trace starts with a server span, and further traces exceed the rate")
  func sampling() throws {
    let queue = SpanQueue()
    let tracer = OTLPTracer(queue: queue, rate: 1)
    func start(_ kind: SpanKind, _ traceparent: String?) -> TraceSpan {
      var context = ServiceContext.topLevel
      context.trace = traceparent.flatMap { TraceContext(traceparent: $0) }
      return tracer.startSpan("span", context: context, ofKind: kind)
    }
    let child = start(.internal, Self.parent)
    #expect(child.isRecording && child.trace?.traceID == "4bf92f3577b34da6a3ce929d0e0e4736")
    let unsampled = start(.server, Self.unsampled)
    #expect(!unsampled.isRecording && unsampled.trace?.traceparent == Self.unsampled)
    #expect(!start(.client, nil).isRecording)
    let root = start(.server, nil)
    #expect(root.isRecording && root.trace?.isSampled == true)
    #expect(!start(.server, nil).isRecording)
    for span in [child, unsampled, root] { span.end() }
    child.end()
    let ended = queue.take(atMost: 10)
    #expect(ended.map(\.parentID) == ["00f067aa0ba902b7", nil])
  }

  @Test("Without a tracer, and without a sampled trace, no span starts")
  func disabled() throws {
    let trace = try #require(TraceContext(traceparent: Self.parent))
    #expect(trace.startSpan("span") == nil)
    #expect(TraceContext.startServerSpan("GET", parent: nil) == nil)
    let tracer = OTLPTracer(queue: SpanQueue(), rate: 1)
    let unsampled = try #require(TraceContext(traceparent: Self.unsampled))
    withTracer(tracer) {
      #expect(unsampled.startSpan("span") == nil)
      #expect(TraceContext.startServerSpan("GET", parent: unsampled) == nil)
      #expect(trace.startSpan("span") != nil)
    }
  }

  @Test("A full queue drops spans and keeps the oldest")
  func bound() {
    let queue = SpanQueue(maximum: 2)
    let tracer = OTLPTracer(queue: queue, rate: 10)
    for number in 1...4 { tracer.startSpan("\(number)", context: .topLevel, ofKind: .server).end() }
    #expect(queue.take(atMost: 1).map(\.name) == ["1"])
    #expect(queue.take(atMost: 5).map(\.name) == ["2"])
    #expect(queue.count == 0)
  }

  @Test("A batch has a span in the trace of its first message, with links to and from the others")
  func batch() async {
    let queue = SpanQueue()
    let traceparents = [TraceContext.make().sampled().traceparent, Self.unsampled, Self.parent]
    await withTracer(OTLPTracer(queue: queue, rate: 0)) {
      let message = Message(topic: "events", partition: 3, offset: 7, timestamp: nil, key: nil, headers: [], value: [])
      let spans = traceparents.compactMap { ConsumerSpans.start(for: message, traceparent: $0, group: "group") }
      #expect(spans.count == 2)
      await ConsumerSpans.processBatch(spans, of: 3, group: "group") {
        await TraceContext.withSpan("work") { await Task.yield() }
      }
    }
    let ended = queue.take(atMost: 10)
    #expect(ended.map(\.name) == ["work", "process batch", "process events", "process events"])
    let (work, batch, first, second) = (ended[0], ended[1], ended[2], ended[3])
    #expect(work.parentID == batch.trace.parentID && batch.parentID == first.trace.parentID)
    #expect(batch.trace.traceID == first.trace.traceID)
    #expect(batch.links == [first.trace, second.trace])
    #expect(first.links.isEmpty && second.links == [batch.trace])
    #expect(second.parentID == "00f067aa0ba902b7")
    #expect(batch.attributes.get("messaging.batch.message_count") == .int64(3))
  }

  @Test("A failure ends the spans as failed, with the type of the error and without its text")
  func failure() async throws {
    struct Failure: Error { var text = "ana@example.com" }
    let queue = SpanQueue()
    try await withTracer(OTLPTracer(queue: queue, rate: 0)) {
      let trace = try #require(TraceContext(traceparent: Self.parent))
      let span = try #require(trace.startSpan("work"))
      await #expect(throws: Failure.self) { try await span.run { () async throws -> Void in throw Failure() } }
    }
    let ended = try #require(queue.take(atMost: 10).first)
    #expect(ended.isError && ended.events.map(\.name) == ["exception"])
    #expect(!String(decoding: Self.document.json([ended]), as: UTF8.self).contains("ana@example.com"))
  }

  private static let document = OTLPDocument(resource: .init(service: "scim-api", instance: "scim-api/0", version: "0.3.0"))

  @Test("Spans have the JSON form of OTLP")
  func json() throws {
    var span = FinishedSpan(
      name: "POST /Users", kind: .server, trace: try #require(TraceContext(traceparent: Self.parent)), parentID: "0102030405060708",
      start: 1_700_000_000_000_000_001, end: 1_700_000_000_500_000_000)
    span.attributes = ["number": .int64(201), "text": "an \"x\"", "flag": true, "list": .stringArray(["a", "b"])]
    span.links = [try #require(TraceContext(traceparent: Self.unsampled))]
    span.isError = true
    let text = String(decoding: Self.document.json([span]), as: UTF8.self)
    #expect(
      text == """
        {"resourceSpans":[{"resource":{"attributes":[{"key":"service.instance.id","value":{"stringValue":"scim-api/0"}},\
        {"key":"service.name","value":{"stringValue":"scim-api"}},{"key":"service.namespace","value":{"stringValue":"rollcall"}},\
        {"key":"service.version","value":{"stringValue":"0.3.0"}}]},"scopeSpans":[{"scope":{"name":"rollcall"},"spans":[\
        {"traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"00f067aa0ba902b7","flags":1,"parentSpanId":"0102030405060708",\
        "name":"POST /Users","kind":2,"startTimeUnixNano":"1700000000000000001","endTimeUnixNano":"1700000000500000000",\
        "attributes":[{"key":"flag","value":{"boolValue":true}},\
        {"key":"list","value":{"arrayValue":{"values":[{"stringValue":"a"},{"stringValue":"b"}]}}},\
        {"key":"number","value":{"intValue":"201"}},{"key":"text","value":{"stringValue":"an \\"x\\""}}],\
        "links":[{"traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"00f067aa0ba902b7","flags":0}],"status":{"code":2}}]}]}]}
        """)
  }
}
