import Logging
import Tracing

extension Setting {
  /// The collector of spans.
  public static let otlpEndpoint = Setting(
    key: "otlp.endpoint",
    help: "The base URL of the collector that receives traces over OTLP/HTTP, such as http://collector:4318. Default: no spans are "
      + "recorded.",
    kind: .url)
  /// Headers of requests to the collector.
  public static let otlpHeaders = Setting(
    key: "otlp.headers", help: "Headers of requests to the collector, such as authorization=Basic dXNlcjpwYXNzd29yZA.", isSecret: true)
  /// The rate of traces.
  public static let tracesPerSecond = Setting(
    key: "traces.per-second", default: "5",
    help: "How many requests without a trace of their own start one per second. Requests and messages that are part of a trace follow "
      + "its decision.",
    kind: .integer(0...10_000))
}

extension [Setting] {
  /// The settings of traces.
  static var tracing: [Setting] { [.otlpEndpoint, .otlpHeaders, .tracesPerSecond] }
}

extension SpanExporter {
  /// Makes the process record spans, and returns the service that exports them; nil if the settings name no collector.
  ///
  /// - Parameter instance: The process, `scim-api/0`.
  /// - Throws: ``SettingsError``.
  static func bootstrap(_ settings: ServiceSettings, instance: String, logger: Logger) throws(SettingsError) -> SpanExporter? {
    guard settings.optionalString(.otlpEndpoint) != nil else { return nil }
    let configuration = try Configuration(settings)
    let queue = SpanQueue()
    InstrumentationSystem.bootstrap(OTLPTracer(queue: queue, rate: Double(try settings.integer(.tracesPerSecond))))
    return SpanExporter(
      queue: queue, configuration: configuration,
      resource: OTLPDocument.Resource(service: settings.service, instance: instance, version: BuildVersion.release), logger: logger)
  }
}

extension SpanExporter.Configuration {
  /// - Throws: ``SettingsError`` if the endpoint is not an HTTP URL, or headers are malformed.
  init(_ settings: ServiceSettings) throws(SettingsError) {
    let endpoint = try settings.url(.otlpEndpoint)
    guard let scheme = endpoint.scheme?.lowercased(), ["http", "https"].contains(scheme) else {
      throw .malformed(.otlpEndpoint, endpoint.absoluteString, "an HTTP URL such as http://collector:4318")
    }
    var base = endpoint.absoluteString
    while base.hasSuffix("/") { base.removeLast() }
    url = base.hasSuffix(Self.path) ? base : base + Self.path
    headers = try settings.pairs(.otlpHeaders)
  }

  /// The path of traces (OTLP/HTTP).
  private static let path = "/v1/traces"
}
