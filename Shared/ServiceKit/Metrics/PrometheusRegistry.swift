import Metrics
import Synchronization

/// The swift-metrics backend of the process: keeps the metrics for `/metrics`, in Prometheus' text format. Descriptions and
/// buckets are in ``MetricCatalogue``.
final class PrometheusRegistry: MetricsFactory {
  private struct Family {
    var type: String
    var series: [PrometheusLabels: any PrometheusMetric] = [:]
  }

  private let families = Mutex<[String: Family]>([:])
  private let maximumSeries: Int

  /// Makes an empty registry.
  ///
  /// - Parameter maximumSeries: The maximum number of label combinations per name; further ones are not exported.
  init(maximumSeries: Int = 2000) {
    self.maximumSeries = maximumSeries
  }

  /// The response of `/metrics`.
  func text() -> String {
    let families = families.withLock { $0 }
    var text = ""
    for (name, family) in families.sorted(by: { $0.key < $1.key }) {
      text += PrometheusText.header(name, type: family.type)
      for (labels, metric) in family.series.sorted(by: { $0.key < $1.key }) {
        metric.write(name: name, labels: labels, into: &text)
      }
    }
    return text
  }

  /// Records which build the process runs, as labels of a metric that is always 1.
  func recordBuild(service: String, version: String, commit: String) {
    makeMeter(label: "rollcall_build_info", dimensions: [("service", service), ("version", version), ("commit", commit)]).set(Int64(1))
  }

  func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
    metric("counter", label, dimensions) { PrometheusCounter() }
  }

  func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
    metric("gauge", label, dimensions) { PrometheusGauge() }
  }

  func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
    guard aggregate else { return metric("gauge", label, dimensions) { PrometheusGauge() } }
    return metric("histogram", label, dimensions) { PrometheusHistogram(bounds: Self.bounds(of: label) ?? PrometheusHistogram.sizes) }
  }

  func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
    metric("histogram", label, dimensions) { PrometheusHistogram(bounds: Self.bounds(of: label) ?? PrometheusHistogram.seconds) }
  }

  /// The bounds of the buckets that the catalogue has for a histogram.
  private static func bounds(of label: String) -> [Double]? {
    guard let bounds = MetricCatalogue.definition(of: label)?.bounds, !bounds.isEmpty else { return nil }
    return bounds
  }

  // Series are kept when their handlers are destroyed: a counter that starts again from 0 looks like a restart.
  func destroyCounter(_ handler: any CounterHandler) {}
  func destroyMeter(_ handler: any MeterHandler) {}
  func destroyRecorder(_ handler: any RecorderHandler) {}
  func destroyTimer(_ handler: any TimerHandler) {}

  /// The series with this name and these labels. If another type uses the name, the type is appended to it.
  private func metric<Metric: PrometheusMetric>(
    _ type: String, _ label: String, _ dimensions: [(String, String)], _ make: () -> Metric
  ) -> Metric {
    let labels = PrometheusLabels(dimensions)
    return families.withLock { families in
      var name = PrometheusText.name(label)
      if let family = families[name], family.type != type { name += "_\(type)" }
      if let metric = families[name]?.series[labels] as? Metric { return metric }
      let metric = make()
      if families[name]?.series.count ?? 0 < maximumSeries { families[name, default: Family(type: type)].series[labels] = metric }
      return metric
    }
  }
}
