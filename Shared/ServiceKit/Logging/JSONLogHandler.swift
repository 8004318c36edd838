import Foundation
import Logging
import Models

/// Writes each log message as one line of JSON: time, level, service, instance, message, trace_id, logger and metadata.
struct JSONLogHandler: LogHandler {
  var logLevel: Logger.Level
  var metadata: Logger.Metadata = [:]
  var metadataProvider: Logger.MetadataProvider?
  private let label: String
  private let service: String
  private let instance: String
  private let output: LogOutput

  init(
    label: String, service: String, instance: String, level: Logger.Level, metadataProvider: Logger.MetadataProvider?, output: LogOutput
  ) {
    self.label = label
    self.service = service
    self.instance = instance
    self.logLevel = level
    self.metadataProvider = metadataProvider
    self.output = output
  }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    output.write(line(event, at: Date()))
  }

  /// The line, with its end.
  func line(_ event: LogEvent, at time: Date) -> [UInt8] {
    var metadata = metadata
    if let provided = metadataProvider?.get() { metadata.merge(provided) { _, new in new } }
    if let given = event.metadata { metadata.merge(given) { _, new in new } }
    let trace = metadata.removeValue(forKey: Self.traceKey)
    var members: [(name: String, write: (inout JSONText) -> Void)] = [
      ("time", { $0.string(Timestamp.text(time)) }),
      ("level", { $0.string(event.level.rawValue) }),
      ("service", { $0.string(service) }),
      ("instance", { $0.string(instance) }),
      ("message", { $0.string(event.message.description) }),
    ]
    if let trace { members.append((Self.traceKey, { $0.string("\(trace)") })) }
    if let error = event.error { members.append(("error", { $0.string("\(error)") })) }
    if label != service { members.append(("logger", { $0.string(label) })) }
    if !metadata.isEmpty { members.append(("metadata", { $0.metadata(metadata) })) }
    var text = JSONText()
    text.object(members)
    text.raw("\n")
    return text.bytes
  }

  /// The metadata that stands beside the message.
  static let traceKey = "trace_id"

  /// Adds the id of the trace that the present task works for.
  static let traceProvider = Logger.MetadataProvider {
    TraceContext.current.map { [traceKey: .string($0.traceID)] } ?? [:]
  }
}

extension JSONText {
  fileprivate mutating func metadata(_ metadata: Logger.Metadata) {
    object(metadata.sorted { $0.key < $1.key }.map { key, value in (key, { $0.metadataValue(value) }) })
  }

  private mutating func metadataValue(_ value: Logger.Metadata.Value) {
    switch value {
    case .string(let text): string(text)
    case .stringConvertible(let value): string(value.description)
    case .array(let values): array(values) { $0.metadataValue($1) }
    case .dictionary(let members): metadata(members)
    }
  }
}
