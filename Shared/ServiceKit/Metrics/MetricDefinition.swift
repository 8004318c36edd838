/// The description of a metric, for the `# HELP` line of `/metrics` and for the documentation.
struct MetricDefinition: Sendable {
  /// The type of a metric in Prometheus' text format.
  enum Kind: String, Sendable {
    case counter, gauge, histogram
  }

  /// The name with its base unit: `_seconds`, `_bytes`; counters end in `_total`.
  let name: String
  let kind: Kind
  /// What it measures, in one sentence.
  let help: String
  /// The upper bounds of a histogram's buckets; empty for other types.
  let bounds: [Double]

  /// A value that only grows while the process runs.
  static func counter(_ name: String, _ help: String) -> MetricDefinition {
    MetricDefinition(name: name, kind: .counter, help: help, bounds: [])
  }

  /// A value at the time of the scrape.
  static func gauge(_ name: String, _ help: String) -> MetricDefinition {
    MetricDefinition(name: name, kind: .gauge, help: help, bounds: [])
  }

  /// A distribution of values.
  static func histogram(_ name: String, _ help: String, _ bounds: [Double] = PrometheusHistogram.seconds) -> MetricDefinition {
    MetricDefinition(name: name, kind: .histogram, help: help, bounds: bounds)
  }
}
