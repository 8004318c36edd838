import Primitives

/// A bulk request (RFC 7644 §3.7). Its operations are in the order of execution: a resource is created before the operations that refer to
/// it, whatever the order in the request.
///
/// It is one command on the topic. Each operation has a command id of its own, under which its reply is recorded, so a redelivered bulk
/// request continues where it stopped. Operations that do not refer to each other share a transaction. The bulk request itself is not recorded, because its outcome follows from those of
/// its operations; see ``BulkProgress``.
public struct Bulk: Sendable, Equatable {
  /// The number of errors after which the remaining operations are skipped; `nil`: none are skipped.
  public var failOnErrors: Int?
  /// The operations, in the order in which they are carried out.
  public var operations: [Operation]

  /// Creates a bulk request.
  public init(failOnErrors: Int?, operations: [Operation]) {
    self.failOnErrors = failOnErrors
    self.operations = operations
  }

  /// One operation.
  public struct Operation: Sendable, Equatable {
    /// The id of the operation as a command of its own; its reply is recorded under it.
    public var command: CommandID
    /// As ``Command/resource``: for a create the id of the new resource. If the store reuses an existing record instead, later operations
    /// refer to that one.
    public var resource: ResourceID
    /// As ``Command/expectedVersions``.
    public var expectedVersions: [Int64]?
    /// The resources created by other operations of the request that this one refers to.
    public var references: [ResourceID]
    /// The number of the reference cycle. Adjacent operations with the same number refer to each other and are one transaction.
    public var cycle: Int?
    /// The write, or the refusal.
    public var action: Action

    /// Creates an operation.
    public init(
      command: CommandID, resource: ResourceID, expectedVersions: [Int64]? = nil, references: [ResourceID] = [], cycle: Int? = nil,
      action: Action
    ) {
      self.command = command
      self.resource = resource
      self.expectedVersions = expectedVersions
      self.references = references
      self.cycle = cycle
      self.action = action
    }
  }

  /// What is done for an operation.
  public enum Action: Sendable, Equatable {
    /// The write is carried out.
    case write(Command.Operation)
    /// scim-api refused the operation. It counts as an error, and operations that refer to it fail.
    case refused(status: Int, error: [UInt8])
  }

  /// The outcome of an operation.
  public enum Outcome: Sendable, Equatable {
    /// The resource was written. For `unapplied` see ``StoredResource/unapplied``.
    case written(ResourceID, version: Int64, created: Bool, relink: Relink? = nil, unapplied: [UInt8]? = nil)
    /// Carried out, without content.
    case done
    /// An HTTP status and a SCIM error in JSON.
    case refused(status: Int, error: [UInt8])
  }
}

extension Bulk.Operation {
  /// Whether it creates a resource.
  public var isCreation: Bool {
    if case .write(.createUser) = action { return true }
    if case .write(.createGroup) = action { return true }
    return false
  }

  /// The operation with ids replaced, in its resource and its data.
  public func replacingIDs(_ replacements: [ResourceID: ResourceID]) -> Bulk.Operation {
    guard !replacements.isEmpty else { return self }
    var operation = self
    operation.resource = isCreation ? resource : replacements[resource] ?? resource
    if case .write(let write) = action, references.contains(where: { replacements[$0] != nil }) {
      operation.action = .write(write.replacingIDs(replacements))
    }
    return operation
  }
}

extension Command.Operation {
  /// The operation with ids replaced in its data.
  ///
  /// Replacing text is safe: the ids are random and were created for this request, so they cannot occur in other values.
  public func replacingIDs(_ replacements: [ResourceID: ResourceID]) -> Command.Operation {
    let others = Dictionary(uniqueKeysWithValues: replacements.map { ($0.key.uuid, $0.value.uuid) })
    func replaced(_ data: [UInt8]) -> [UInt8] { UUIDText.replacing(others, in: data) }
    return switch self {
    case .createUser(let document): .createUser(document: replaced(document))
    case .replaceUser(let document): .replaceUser(document: replaced(document))
    case .patchUser(let patch): .patchUser(patch: replaced(patch))
    case .createGroup(let document): .createGroup(document: replaced(document))
    case .replaceGroup(let document): .replaceGroup(document: replaced(document))
    case .patchGroup(let patch): .patchGroup(patch: replaced(patch))
    default: self
    }
  }
}

// MARK: JSON

extension Bulk: Codable {}

/// JSON: `data` and `error` are JSON texts within strings, so that they stay the same byte by byte.
extension Bulk.Operation: Codable {
  private enum Key: String, CodingKey {
    case command, resource, expectedVersions, references
    case cycle = "circle"
    case type, data, status, error
  }

  /// Decodes the JSON form.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    command = try container.decode(CommandID.self, forKey: .command)
    resource = try container.decode(ResourceID.self, forKey: .resource)
    expectedVersions = try container.decodeIfPresent([Int64].self, forKey: .expectedVersions)
    references = try container.decodeIfPresent([ResourceID].self, forKey: .references) ?? []
    cycle = try container.decodeIfPresent(Int.self, forKey: .cycle)
    if let type = try container.decodeIfPresent(String.self, forKey: .type) {
      let data = try container.decodeIfPresent(String.self, forKey: .data) ?? ""
      do {
        action = .write(try Command.Operation(type: type, data: Array(data.utf8)))
      } catch {
        throw DecodingError.dataCorruptedError(forKey: .type, in: container, debugDescription: "\(error)")
      }
    } else {
      let error = try container.decode(String.self, forKey: .error)
      action = .refused(status: try container.decode(Int.self, forKey: .status), error: Array(error.utf8))
    }
  }

  /// Encodes the JSON form.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(command, forKey: .command)
    try container.encode(resource, forKey: .resource)
    try container.encodeIfPresent(expectedVersions, forKey: .expectedVersions)
    if !references.isEmpty { try container.encode(references, forKey: .references) }
    try container.encodeIfPresent(cycle, forKey: .cycle)
    switch action {
    case .write(let operation):
      try container.encode(operation.type, forKey: .type)
      let data = try operation.data()
      if !data.isEmpty { try container.encode(String(decoding: data, as: UTF8.self), forKey: .data) }
    case .refused(let status, let error):
      try container.encode(status, forKey: .status)
      try container.encode(String(decoding: error, as: UTF8.self), forKey: .error)
    }
  }
}

extension Bulk.Outcome: Decodable {
  private enum Key: String, CodingKey {
    case status, resource, version, relink, unapplied, error
  }

  /// Decodes the JSON form.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    switch try container.decode(Int.self, forKey: .status) {
    case let status where status == 200 || status == 201:
      self = .written(
        try container.decode(ResourceID.self, forKey: .resource), version: try container.decode(Int64.self, forKey: .version),
        created: status == 201, relink: try container.decodeIfPresent(String.self, forKey: .relink).flatMap(Relink.init(rawValue:)),
        unapplied: try container.decodeIfPresent(String.self, forKey: .unapplied).map { Array($0.utf8) })
    case 204: self = .done
    case let status: self = .refused(status: status, error: Array(try container.decode(String.self, forKey: .error).utf8))
    }
  }

  /// Appends the JSON form.
  func write(to bytes: inout [UInt8]) {
    switch self {
    case .written(let id, let version, let created, let relink, let unapplied):
      bytes += #"{"status":\#(created ? 201 : 200),"resource":"\#(id)","version":\#(version)"#.utf8
      if let relink { bytes += #","relink":"\#(relink.rawValue)""#.utf8 }
      if let unapplied {
        bytes += #","unapplied":"#.utf8
        JSONEscaping.append(unapplied, to: &bytes)
      }
      bytes.append(UInt8(ascii: "}"))
    case .done: bytes += #"{"status":204}"#.utf8
    case .refused(let status, let error):
      bytes += #"{"status":\#(status),"error":"#.utf8
      JSONEscaping.append(error, to: &bytes)
      bytes.append(UInt8(ascii: "}"))
    }
  }
}

extension [Bulk.Outcome] {
  /// A JSON array with one object for each outcome.
  func json() -> [UInt8] {
    var bytes = [UInt8(ascii: "[")]
    for (index, outcome) in enumerated() {
      if index > 0 { bytes.append(UInt8(ascii: ",")) }
      outcome.write(to: &bytes)
    }
    bytes.append(UInt8(ascii: "]"))
    return bytes
  }
}
