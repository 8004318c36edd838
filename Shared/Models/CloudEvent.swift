import Foundation

/// A message of the suite: CloudEvents 1.0 in the binary content mode for Kafka, with attributes as `ce_…` headers and JSON as data.
public struct CloudEvent: Sendable, Hashable {
  /// The id of the message: a message that is delivered twice has the same id.
  public var id: String
  /// The process that produced it, such as `scim-api/0`.
  public var source: String
  /// The type of the message, such as `rollcall.user.changed.v1`.
  public var type: String
  /// The id of the resource; also the key of the Kafka message, unless the topic says otherwise.
  public var subject: String
  /// When the event occurred; millisecond precision on the wire.
  public var time: Date
  /// Extension attributes. Names are lower-case letters and digits (CloudEvents §3.1).
  public var extensions: [String: String]
  /// The `traceparent` of W3C Trace Context.
  public var traceparent: String?
  /// JSON in UTF-8; may be empty.
  public var data: [UInt8]

  /// Creates an event.
  public init(
    id: String, source: String, type: String, subject: String, time: Date, extensions: [String: String] = [:],
    traceparent: String? = nil, data: [UInt8]
  ) {
    self.id = id
    self.source = source
    self.type = type
    self.subject = subject
    self.time = time
    self.extensions = extensions
    self.traceparent = traceparent
    self.data = data
  }

  /// The Kafka headers of this event, in a stable order.
  public var headers: [(name: String, value: String)] {
    var headers: [(name: String, value: String)] = [
      ("ce_specversion", "1.0"),
      ("ce_id", id),
      ("ce_source", source),
      ("ce_type", type),
      ("ce_subject", subject),
      ("ce_time", Timestamp.text(time)),
      ("content-type", "application/json"),
    ]
    for (name, value) in extensions.sorted(by: { $0.key < $1.key }) {
      headers.append(("ce_\(name)", value))
    }
    if let traceparent { headers.append(("traceparent", traceparent)) }
    return headers
  }

  /// Reads an event from a message's headers and value.
  ///
  /// - Throws: ``MessageError`` if a required attribute is missing or malformed.
  public init(headers: some Sequence<(name: String, value: String)>, data: [UInt8]) throws(MessageError) {
    var attributes: [String: String] = [:]
    var traceparent: String?
    for (name, value) in headers {
      if name.hasPrefix("ce_") {
        attributes[String(name.dropFirst(3))] = value
      } else if name == "traceparent" {
        traceparent = value
      }
    }
    func take(_ name: String) throws(MessageError) -> String {
      guard let value = attributes.removeValue(forKey: name), !value.isEmpty else { throw .missing(attribute: name) }
      return value
    }
    let version = try take("specversion")
    guard version == "1.0" else { throw .malformed(attribute: "specversion", value: version) }
    let timeText = try take("time")
    guard let time = Timestamp.date(timeText) else { throw .malformed(attribute: "time", value: timeText) }
    self.init(
      id: try take("id"), source: try take("source"), type: try take("type"), subject: try take("subject"), time: time,
      traceparent: traceparent, data: data)
    self.extensions = attributes
  }

  /// A required extension attribute.
  ///
  /// - Throws: ``MessageError/missing(attribute:)``.
  public func required(_ name: String) throws(MessageError) -> String {
    guard let value = extensions[name] else { throw .missing(attribute: name) }
    return value
  }

  /// A required extension attribute that is an id.
  ///
  /// - Throws: ``MessageError`` if it is missing or not a UUID.
  public func requiredID<Subject>(_ name: String) throws(MessageError) -> Identifier<Subject> {
    let text = try required(name)
    guard let id = Identifier<Subject>(text) else { throw .malformed(attribute: name, value: text) }
    return id
  }
}

/// Why a message could not be read: the reason with which it is sent to the dead-letter topic.
public enum MessageError: Error, Sendable, Equatable, CustomStringConvertible {
  /// A required CloudEvents attribute is missing.
  case missing(attribute: String)
  /// A CloudEvents attribute has a malformed value.
  case malformed(attribute: String, value: String)
  /// The type is unknown.
  case unknownType(String)
  /// The data is not valid JSON for the type.
  case undecodable(type: String, reason: String)

  /// The reason in one sentence, as it is recorded with the dead letter.
  public var description: String {
    switch self {
    case .missing(let attribute): "the CloudEvents attribute '\(attribute)' is missing"
    case .malformed(let attribute, let value): "the CloudEvents attribute '\(attribute)' is malformed: '\(value.prefix(100))'"
    case .unknownType(let type): "no message of type '\(type.prefix(100))' is known"
    case .undecodable(let type, let reason): "the data of a '\(type)' cannot be read: \(reason)"
    }
  }
}
