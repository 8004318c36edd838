/// The labels of a time series, sorted by name.
struct PrometheusLabels: Sendable, Hashable, Comparable, CustomStringConvertible {
  private var pairs: [Pair]

  private struct Pair: Sendable, Hashable {
    var name: String
    var value: String
  }

  /// Makes labels; the last value of a repeated name wins. `le` is reserved for histogram buckets and renamed to `_le`.
  init(_ dimensions: [(String, String)]) {
    var values: [String: String] = [:]
    for (label, value) in dimensions {
      let name = PrometheusText.name(label)
      values[name == "le" ? "_le" : name] = value
    }
    pairs = values.map { Pair(name: $0, value: $1) }.sorted { $0.name < $1.name }
  }

  func adding(_ name: String, _ value: String) -> PrometheusLabels {
    var copy = self
    copy.pairs.append(Pair(name: name, value: value))
    return copy
  }

  /// The text after a metric name: `{method="GET",status="200"}`; empty without labels.
  var description: String {
    guard !pairs.isEmpty else { return "" }
    return "{\(pairs.map { "\($0.name)=\"\(PrometheusText.escaped($0.value))\"" }.joined(separator: ","))}"
  }

  static func < (left: PrometheusLabels, right: PrometheusLabels) -> Bool { left.description < right.description }
}

/// Names, values and numbers in Prometheus' text format, version 0.0.4.
enum PrometheusText {
  static let contentType = "text/plain; version=0.0.4; charset=utf-8"

  /// The lines before the samples of a metric: its description, if the catalogue has one, and its type.
  static func header(_ name: String, type: String) -> String {
    let help = MetricCatalogue.definition(of: name).map { "# HELP \(name) \($0.help)\n" } ?? ""
    return "\(help)# TYPE \(name) \(type)\n"
  }

  /// A valid metric or label name: other characters than letters and digits become underscores.
  static func name(_ label: String) -> String {
    let name = String(
      label.unicodeScalars.map { $0.isASCII && ($0.properties.isAlphabetic || ("0"..."9").contains($0)) ? Character($0) : "_" })
    return name.first.map { $0.isNumber } ?? true ? "_" + name : name
  }

  static func escaped(_ value: String) -> String {
    value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
  }

  static func number(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
    return value == value.rounded() && abs(value) < 1e15 ? String(Int64(value)) : String(value)
  }
}
