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
  public var extensions: Extensions
  /// The `traceparent` of W3C Trace Context.
  public var traceparent: String?
  /// JSON in UTF-8; may be empty.
  public var data: [UInt8]

  /// Creates an event.
  public init(
    id: String, source: String, type: String, subject: String, time: Date, extensions: Extensions = [:],
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
    for (name, value) in extensions.pairs { headers.append(("ce_" + name, value)) }
    if let traceparent { headers.append(("traceparent", traceparent)) }
    return headers
  }

  /// Reads an event from a message's headers and value.
  ///
  /// - Throws: ``MessageError`` if a required attribute is missing or malformed.
  public init(headers: some Sequence<(name: String, value: String)>, data: [UInt8]) throws(MessageError) {
    var extensions: [(name: String, value: String)] = []
    var traceparent: String?
    var (version, id, source, type, subject, time): (String?, String?, String?, String?, String?, String?)
    for (name, value) in headers {
      switch name {
      case "ce_specversion": version = value
      case "ce_id": id = value
      case "ce_source": source = value
      case "ce_type": type = value
      case "ce_subject": subject = value
      case "ce_time": time = value
      case "traceparent": traceparent = value
      default: if name.hasPrefix("ce_") { extensions.append((String(name.dropFirst(3)), value)) }
      }
    }
    func required(_ value: String?, _ name: String) throws(MessageError) -> String {
      guard let value, !value.isEmpty else { throw .missing(attribute: name) }
      return value
    }
    let specification = try required(version, "specversion")
    guard specification == "1.0" else { throw .malformed(attribute: "specversion", value: specification) }
    let timeText = try required(time, "time")
    guard let time = Timestamp.date(timeText) else { throw .malformed(attribute: "time", value: timeText) }
    self.init(
      id: try required(id, "id"), source: try required(source, "source"), type: try required(type, "type"),
      subject: try required(subject, "subject"), time: time, extensions: Extensions(extensions), traceparent: traceparent, data: data)
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

extension CloudEvent {
  /// Extension attributes, ordered by name. They are few, so a search is faster than hashing.
  public struct Extensions: Sendable, Hashable, ExpressibleByDictionaryLiteral {
    /// The names and values, ordered by name.
    public private(set) var pairs: [(name: String, value: String)] = []

    /// Creates a set of attributes without any.
    public init() {}

    /// Creates attributes with distinct names.
    public init(_ attributes: [String: String]) {
      pairs = attributes.sorted { $0.key < $1.key }.map { (name: $0.key, value: $0.value) }
    }

    /// Creates attributes from headers. Of several with the same name, the last one counts.
    init(_ headers: [(name: String, value: String)]) {
      if headers.count > Self.fewEnoughToScan {
        self.init(Dictionary(headers.map { ($0.name, $0.value) }) { $1 })
      } else {
        self.init()
        for (name, value) in headers { self[name] = value }
      }
    }

    private static let fewEnoughToScan = 32

    /// Creates attributes from a literal.
    public init(dictionaryLiteral elements: (String, String)...) {
      for (name, value) in elements { self[name] = value }
    }

    /// The value of an attribute; setting nil removes it.
    public subscript(name: String) -> String? {
      get { pairs.first { $0.name == name }?.value }
      set {
        let index = pairs.firstIndex { $0.name >= name } ?? pairs.count
        if index < pairs.count, pairs[index].name == name { pairs.remove(at: index) }
        if let newValue { pairs.insert((name, newValue), at: index) }
      }
    }

    /// Whether both have the same names and values.
    public static func == (left: Self, right: Self) -> Bool { left.pairs.elementsEqual(right.pairs) { $0 == $1 } }

    /// Hashes the names and values.
    public func hash(into hasher: inout Hasher) {
      for (name, value) in pairs {
        hasher.combine(name)
        hasher.combine(value)
      }
    }
  }
}

/// The attributes of a message or of a recorded reply, by name.
public protocol MessageAttributes {
  /// The value of an attribute; nil if it is missing.
  subscript(name: String) -> String? { get }
}

extension CloudEvent.Extensions: MessageAttributes {}
extension Dictionary: MessageAttributes where Key == String, Value == String {}

/// Why a message could not be read: the reason with which it is sent to the dead-letter topic.
public enum MessageError: Error, Sendable, Equatable, CustomStringConvertible {
  /// A required CloudEvents attribute is missing.
  case missing(attribute: String)
  /// A CloudEvents attribute has a malformed value.
  case malformed(attribute: String, value: String)
  /// The type is unknown.
  case unknownType(String)
  /// The type is known, but not in this version: a newer release sent the message.
  case newerVersion(String, known: Int)
  /// The data is not valid JSON for the type.
  case undecodable(type: String, reason: String)

  /// The reason in one sentence, as it is recorded with the dead letter.
  public var description: String {
    switch self {
    case .missing(let attribute): "the CloudEvents attribute '\(attribute)' is missing"
    case .malformed(let attribute, let value): "the CloudEvents attribute '\(attribute)' is malformed: '\(value.prefix(100))'"
    case .unknownType(let type): "no message of type '\(type.prefix(100))' is known"
    case .newerVersion(let type, let known):
      "a newer release sent a '\(type.prefix(100))', and this one reads version \(known): upgrade the service, then replay the dead letter"
    case .undecodable(let type, let reason): "the data of a '\(type)' cannot be read: \(reason)"
    }
  }
}
