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

  /// The line for an event, including the line end.
  func line(_ event: LogEvent, at time: Date) -> [UInt8] {
    // The metadata of the event has precedence. It has the most keys, so the others are added to it.
    let provided = metadataProvider?.get() ?? [:]
    let given = event.metadata ?? [:]
    let trace = given[Self.traceKey] ?? provided[Self.traceKey] ?? metadata[Self.traceKey]
    var members = given
    for (key, value) in provided where key != Self.traceKey && given[key] == nil { members[key] = value }
    for (key, value) in metadata where members[key] == nil { members[key] = value }
    if members[Self.traceKey] != nil { members[Self.traceKey] = nil }
    var text = JSONText()
    text.object { text in
      text.member("time", Timestamp.text(time))
      text.member("level", event.level.rawValue)
      text.member("service", service)
      text.member("instance", instance)
      text.member("message", event.message.description)
      if let trace { text.member(Self.traceKey, "\(trace)") }
      if let error = event.error { text.member("error", "\(error)") }
      if label != service { text.member("logger", label) }
      if !members.isEmpty {
        text.name("metadata")
        text.metadata(members)
      }
    }
    text.raw("\n")
    return text.bytes
  }

  /// The metadata key that becomes a field of the line.
  static let traceKey = "trace_id"

  /// Adds the trace id of the current task.
  static let traceProvider = Logger.MetadataProvider {
    TraceContext.current.map { [traceKey: .string($0.traceID)] } ?? [:]
  }
}

extension JSONLogHandler {
  /// Sets up logging for the whole process: JSON lines on standard error. Call it once.
  static func bootstrap(service: String, instance: String, level: Logger.Level) {
    LoggingSystem.bootstrap(
      { label, provider in
        JSONLogHandler(
          label: label, service: service, instance: instance, level: level, metadataProvider: provider, output: .standardError)
      },
      metadataProvider: traceProvider)
  }
}

extension JSONText {
  fileprivate mutating func metadata(_ metadata: Logger.Metadata) {
    object { text in
      for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
        text.name(key)
        text.metadataValue(value)
      }
    }
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
