import ServiceContextModule
import Testing

@testable import ServiceKit

@Suite("Trace context")
struct TraceContextTests {
  private static let example = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

  @Test("A traceparent is parsed and formatted without loss")
  func roundTrip() throws {
    let trace = try #require(TraceContext(traceparent: Self.example))
    #expect(trace.traceID == "4bf92f3577b34da6a3ce929d0e0e4736")
    #expect(trace.parentID == "00f067aa0ba902b7")
    #expect(trace.traceparent == Self.example)
  }

  @Test(
    "A malformed traceparent is rejected",
    arguments: [
      "", "00", "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
      "00-00000000000000000000000000000000-00f067aa0ba902b7-01", "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
      "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more", "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
    ])
  func malformed(text: String) {
    #expect(TraceContext(traceparent: text) == nil)
  }

  @Test("A later version may have further fields after the flags")
  func laterVersion() {
    #expect(TraceContext(traceparent: "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more") != nil)
  }

  @Test("A child has the same trace id and its own span id")
  func child() throws {
    let trace = try #require(TraceContext(traceparent: Self.example))
    let child = trace.child()
    #expect(child.traceID == trace.traceID)
    #expect(child.parentID != trace.parentID)
    #expect(TraceContext(traceparent: child.traceparent) == child)
  }

  @Test("A missing or malformed traceparent starts a new trace", arguments: [nil, "nonsense"])
  func continuing(text: String?) {
    #expect(TraceContext(traceparent: TraceContext.continuing(text).traceparent) != nil)
  }

  @Test("The trace is current in the task and its children only")
  func current() async {
    let trace = TraceContext.make()
    #expect(TraceContext.current == nil)
    await trace.run {
      #expect(TraceContext.current == trace)
      async let inChild = TraceContext.current
      #expect(await inChild == trace)
    }
    #expect(TraceContext.current == nil)
  }
}
