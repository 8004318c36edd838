import ServiceContextModule
import Testing

@testable import ServiceKit

@Suite("Trace context")
struct TraceContextTests {
  private static let example = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

  @Test("A traceparent is read and written as it came")
  func roundTrip() throws {
    let trace = try #require(TraceContext(traceparent: Self.example))
    #expect(trace.traceID == "4bf92f3577b34da6a3ce929d0e0e4736")
    #expect(trace.parentID == "00f067aa0ba902b7")
    #expect(trace.traceparent == Self.example)
  }

  @Test(
    "What W3C Trace Context forbids is not read",
    arguments: [
      "", "00", "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
      "00-00000000000000000000000000000000-00f067aa0ba902b7-01", "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
      "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more", "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
    ])
  func malformed(text: String) {
    #expect(TraceContext(traceparent: text) == nil)
  }

  @Test("A later version may have more behind the flags")
  func laterVersion() {
    #expect(TraceContext(traceparent: "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more") != nil)
  }

  @Test("A child is of the same trace with an id of its own")
  func child() throws {
    let trace = try #require(TraceContext(traceparent: Self.example))
    let child = trace.child()
    #expect(child.traceID == trace.traceID)
    #expect(child.parentID != trace.parentID)
    #expect(TraceContext(traceparent: child.traceparent) == child)
  }

  @Test("Where there is no traceparent, or a broken one, a trace begins", arguments: [nil, "nonsense"])
  func continuing(text: String?) {
    #expect(TraceContext(traceparent: TraceContext.continuing(text).traceparent) != nil)
  }

  @Test("The trace is there for the task and its children, and gone behind it")
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
