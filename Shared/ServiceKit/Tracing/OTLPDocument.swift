import Tracing

/// The JSON form of an `ExportTraceServiceRequest` (OTLP 1.x, "JSON Protobuf Encoding"): ids are hexadecimal, 64-bit numbers are strings,
/// and enums are numbers.
struct OTLPDocument {
  /// The resource that all spans have: the process.
  struct Resource: Sendable {
    /// `service.name`: `scim-api`.
    var service: String
    /// `service.instance.id`: `scim-api/0`.
    var instance: String
    /// `service.version`.
    var version: String

    static let namespace = "rollcall"
  }

  let resource: Resource

  /// The JSON of a request with `spans`.
  func json(_ spans: [FinishedSpan]) -> [UInt8] {
    var text = JSONText(capacity: 512 + spans.count * 768)
    text.object { text in
      text.name("resourceSpans")
      text.array([spans]) { text, spans in
        text.object { text in
          text.name("resource")
          text.object { text in
            Self.attributes(
              [
                "service.name": .string(resource.service), "service.namespace": .string(Resource.namespace),
                "service.instance.id": .string(resource.instance), "service.version": .string(resource.version),
              ], to: &text)
          }
          text.name("scopeSpans")
          text.array([spans]) { text, spans in
            text.object { text in
              text.name("scope")
              text.object { $0.member("name", Resource.namespace) }
              text.name("spans")
              text.array(spans) { Self.span($1, to: &$0) }
            }
          }
        }
      }
    }
    return text.bytes
  }

  private static func span(_ span: FinishedSpan, to text: inout JSONText) {
    text.object { text in
      ids(of: span.trace, to: &text)
      if let parent = span.parentID { text.member("parentSpanId", parent) }
      text.member("name", span.name)
      text.name("kind")
      text.raw(String(number(of: span.kind)))
      text.member("startTimeUnixNano", String(span.start))
      text.member("endTimeUnixNano", String(span.end))
      attributes(span.attributes, to: &text)
      if !span.events.isEmpty {
        text.name("events")
        text.array(span.events) { text, event in
          text.object { text in
            text.member("timeUnixNano", String(event.nanosecondsSinceEpoch))
            text.member("name", event.name)
            attributes(event.attributes, to: &text)
          }
        }
      }
      if !span.links.isEmpty {
        text.name("links")
        text.array(span.links) { text, link in text.object { ids(of: link, to: &$0) } }
      }
      if span.droppedLinks > 0 {
        text.name("droppedLinksCount")
        text.raw(String(span.droppedLinks))
      }
      if span.isError {
        text.name("status")
        text.object { text in
          text.name("code")
          text.raw("2")
        }
      }
    }
  }

  private static func ids(of trace: TraceContext, to text: inout JSONText) {
    text.member("traceId", trace.traceID)
    text.member("spanId", trace.parentID)
    text.name("flags")
    text.raw(String(trace.flags))
  }

  private static func number(of kind: SpanKind) -> Int {
    switch kind {
    case .internal: 1
    case .server: 2
    case .client: 3
    case .producer: 4
    case .consumer: 5
    }
  }
}

// Attributes.
extension OTLPDocument {
  /// The longest text of an attribute, in characters.
  static let maximumText = 1000

  private static func attributes(_ attributes: SpanAttributes, to text: inout JSONText) {
    var sorted: [(name: String, value: SpanAttribute)] = []
    func collect(_ name: String, _ value: SpanAttribute) { sorted.append((name, value)) }
    attributes.forEach(collect)
    guard !sorted.isEmpty else { return }
    sorted.sort { $0.name < $1.name }
    text.name("attributes")
    text.array(sorted) { text, attribute in
      text.object { text in
        text.member("key", attribute.name)
        text.name("value")
        text.object { value(attribute.value, to: &$0) }
      }
    }
  }

  private static func value(_ value: SpanAttribute, to text: inout JSONText) {
    switch value {
    case .int32(let number): text.member("intValue", String(number))
    case .int64(let number): text.member("intValue", String(number))
    case .bool(let flag):
      text.name("boolValue")
      text.raw(flag ? "true" : "false")
    // JSON has no other numbers.
    case .double(let number) where number.isFinite:
      text.name("doubleValue")
      text.raw(String(number))
    case .double(let number): text.member("stringValue", String(number))
    case .string(let string): text.member("stringValue", String(string.prefix(maximumText)))
    case .stringConvertible(let string): text.member("stringValue", String(string.description.prefix(maximumText)))
    case .int32Array(let numbers): array(numbers.map { .int32($0) }, to: &text)
    case .int64Array(let numbers): array(numbers.map { .int64($0) }, to: &text)
    case .doubleArray(let numbers): array(numbers.map { .double($0) }, to: &text)
    case .boolArray(let flags): array(flags.map { .bool($0) }, to: &text)
    case .stringArray(let strings): array(strings.map { .string($0) }, to: &text)
    case .stringConvertibleArray(let strings): array(strings.map { .string($0.description) }, to: &text)
    default: text.member("stringValue", "")
    }
  }

  private static func array(_ values: [SpanAttribute], to text: inout JSONText) {
    text.name("arrayValue")
    text.object { text in
      text.name("values")
      text.array(values) { text, element in text.object { value(element, to: &$0) } }
    }
  }
}
