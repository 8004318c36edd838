import Metrics
import Testing

@testable import ServiceKit

@Suite("Metrics")
struct MetricsTests {
  private let registry = PrometheusRegistry()

  private var lines: [String] { registry.text().split(separator: "\n").map(String.init) }

  @Test("Counters with the same name and labels share one series")
  func counter() {
    Counter(label: "requests_total", dimensions: [("method", "GET"), ("code", "200")], factory: registry).increment(by: 2)
    Counter(label: "requests_total", dimensions: [("code", "200"), ("method", "GET")], factory: registry).increment()
    Counter(label: "requests_total", dimensions: [("code", "404"), ("method", "GET")], factory: registry).increment()
    #expect(
      lines == [
        "# TYPE requests_total counter",
        #"requests_total{code="200",method="GET"} 3"#,
        #"requests_total{code="404",method="GET"} 1"#,
      ])
  }

  @Test("Gauges and meters show the last value")
  func gauge() {
    let gauge = Gauge(label: "temperature", factory: registry)
    gauge.record(3)
    gauge.record(-1.5)
    let meter = Meter(label: "connections", factory: registry)
    meter.increment(by: 3)
    meter.decrement(by: 1)
    #expect(lines == ["# TYPE connections gauge", "connections 2", "# TYPE temperature gauge", "temperature -1.5"])
  }

  @Test("Timers are histograms in seconds with cumulative buckets")
  func timer() {
    let timer = Timer(label: "wait_seconds", factory: registry)
    timer.recordNanoseconds(1_000_000)
    timer.recordNanoseconds(20_000_000)
    timer.recordNanoseconds(3_600_000_000_000)
    #expect(lines.first == "# TYPE wait_seconds histogram")
    #expect(lines.contains(#"wait_seconds_bucket{le="0.001"} 1"#))
    #expect(lines.contains(#"wait_seconds_bucket{le="0.025"} 2"#))
    #expect(lines.contains(#"wait_seconds_bucket{le="30"} 2"#))
    #expect(lines.contains(#"wait_seconds_bucket{le="+Inf"} 3"#))
    #expect(lines.contains("wait_seconds_count 3"))
    #expect(lines.contains("wait_seconds_sum 3600.021"))
  }

  @Test("NaN does not affect a histogram")
  func notANumber() {
    let recorder = Recorder(label: "sizes", factory: registry)
    recorder.record(Double.nan)
    recorder.record(5)
    #expect(lines.contains("sizes_sum 5"))
    #expect(lines.contains("sizes_count 1"))
  }

  @Test("Invalid names and values are escaped")
  func escaping() {
    Counter(label: "http.server-requests", dimensions: [("a b", "say \"hi\"\\\n")], factory: registry).increment()
    Counter(label: "9lives", dimensions: [("le", "1"), ("x", "1"), ("x", "2")], factory: registry).increment()
    Recorder(label: "size", dimensions: [("le", "1")], factory: registry).record(1)
    #expect(lines.contains(#"http_server_requests{a_b="say \"hi\"\\\n"} 1"#))
    #expect(lines.contains(#"_9lives{_le="1",x="2"} 1"#))
    #expect(lines.contains(#"size_bucket{_le="1",le="1"} 1"#))
  }

  @Test("Every line is a sample or a type of format version 0.0.4, and each name has one type")
  func format() throws {
    Counter(label: "things", factory: registry).increment()
    Gauge(label: "things", factory: registry).record(Double.infinity)
    Timer(label: "things", dimensions: [("path", "/a\\b")], factory: registry).recordSeconds(0.3)
    let sample = #/[a-zA-Z_:][a-zA-Z0-9_:]*(\{([a-zA-Z_][a-zA-Z0-9_]*="([^"\\\n]|\\.)*",?)*\})? (-?[0-9.e+-]+|[+-]Inf|NaN)/#
    let type = #/# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram)/#
    var types: [Substring] = []
    for line in lines {
      if let match = line.wholeMatch(of: type) { types.append(match.1) } else { #expect(line.wholeMatch(of: sample) != nil, "\(line)") }
    }
    #expect(registry.text().hasSuffix("\n"))
    #expect(Set(types).count == 3 && types.count == 3)
  }

  @Test("Metrics of the catalogue have a description, and buckets of their own")
  func catalogued() {
    Timer(label: "rollcall_push_to_invitation_seconds", factory: registry).recordSeconds(45)
    registry.recordBuild(service: "scim-api", version: "1.2.3", commit: "4f2c1d9a8b7e")
    #expect(lines.contains { $0.hasPrefix("# HELP rollcall_push_to_invitation_seconds The time from ") })
    #expect(lines.contains(#"rollcall_push_to_invitation_seconds_bucket{le="60"} 1"#))
    #expect(lines.contains(#"rollcall_push_to_invitation_seconds_bucket{le="30"} 0"#))
    #expect(lines.contains(#"rollcall_build_info{commit="4f2c1d9a8b7e",service="scim-api",version="1.2.3"} 1"#))
  }

  @Test("The names of the catalogue follow Prometheus' conventions", arguments: MetricCatalogue.all)
  func conventions(_ definition: MetricDefinition) {
    #expect(definition.name.wholeMatch(of: #/(http|rollcall|kafka|postgres|process)(_[a-z]+)+/#) != nil)
    #expect(definition.name.hasSuffix("_total") == (definition.kind == .counter))
    #expect(definition.help.hasSuffix(".") || definition.help.hasPrefix("1"))
    #expect(!definition.help.contains { $0.isNewline || $0 == "\\" })
    #expect(definition.bounds.isEmpty == (definition.kind != .histogram))
    #expect(definition.bounds == definition.bounds.sorted())
    // Milliseconds, kilobytes and the like are not base units.
    #expect(definition.name.firstMatch(of: #/_(milliseconds|millis|ms|minutes|kb|mb|kilobytes|percent)(_|$)/#) == nil)
  }

  @Test("Each name is in the catalogue once")
  func unique() {
    #expect(Set(MetricCatalogue.all.map(\.name)).count == MetricCatalogue.all.count)
  }

  @Test("The number of label combinations of a name is bounded")
  func bound() {
    let registry = PrometheusRegistry(maximumSeries: 2)
    for path in ["a", "b", "c"] { Counter(label: "paths_total", dimensions: [("path", path)], factory: registry).increment() }
    Counter(label: "paths_total", dimensions: [("path", "a")], factory: registry).increment()
    let text = registry.text()
    #expect(text.contains(#"paths_total{path="a"} 2"#))
    #expect(!text.contains(#"path="c""#))
  }
}
