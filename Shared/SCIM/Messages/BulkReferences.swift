/// Replaces `bulkId` references in an operation of a bulk request by the ids of the resources that other operations create (RFC 7644 §3.7.2).
public struct BulkReferences: Sendable {
  /// The prefix of a reference.
  public static let prefix = "bulkId:"

  /// The `bulkId`s that were referenced, without duplicates.
  public private(set) var names: [String] = []
  private var seen: Set<String> = []
  private let id: @Sendable (String) -> String?

  /// Creates a resolver without references.
  ///
  /// - Parameter id: Returns the id of the resource that the operation with this `bulkId` creates; nil if there is no such operation.
  public init(id: @escaping @Sendable (String) -> String?) {
    self.id = id
  }

  /// Returns `text`, or the id of the resource if `text` is a reference.
  ///
  /// - Throws: `invalidValue` if no operation has the referenced `bulkId`.
  public mutating func resolve(_ text: String) throws(SCIMError) -> String {
    guard text.hasPrefix(Self.prefix) else { return text }
    return try resolve(name: String(text.dropFirst(Self.prefix.count)))
  }

  /// Returns the value with the references in its strings replaced by ids, including those in the filter of a PATCH path.
  ///
  /// - Throws: `invalidValue` if no operation has the referenced `bulkId`.
  public mutating func resolve(_ json: JSON) throws(SCIMError) -> JSON {
    switch json {
    case .string(let text): return .string(try resolveWithin(text))
    case .array(let values):
      var resolved: [JSON] = []
      resolved.reserveCapacity(values.count)
      for value in values { resolved.append(try resolve(value)) }
      return .array(resolved)
    case .object(let object):
      var resolved: [JSONObject.Member] = []
      resolved.reserveCapacity(object.count)
      for member in object { resolved.append(JSONObject.Member(key: member.key, value: try resolve(member.value))) }
      return .object(JSONObject(uncheckedMembers: resolved))
    case .null, .bool, .integer, .decimal: return json
    }
  }

  /// A reference is a complete string, or is quoted within one: `members[value eq "bulkId:ana"]`.
  private mutating func resolveWithin(_ text: String) throws(SCIMError) -> String {
    let quoted = "\"" + Self.prefix
    guard text.utf8.contains(UInt8(ascii: "\"")), text.contains(quoted) else { return try resolve(text) }
    var resolved = ""
    var rest = text[...]
    while let start = rest.firstRange(of: quoted), let end = rest[start.upperBound...].firstIndex(of: "\"") {
      resolved += rest[..<start.lowerBound] + "\"" + (try resolve(name: String(rest[start.upperBound..<end])))
      rest = rest[end...]
    }
    return resolved + rest
  }

  private mutating func resolve(name: String) throws(SCIMError) -> String {
    guard let id = id(name) else {
      throw .badRequest(
        .invalidValue, "'\(Self.prefix)\(name.prefix(100))' refers to nothing: no POST of this bulk request has that bulkId.")
    }
    if seen.insert(name).inserted { names.append(name) }
    return id
  }
}

extension SCIMError {
  /// The error of an operation that refers to a resource whose own operation in the bulk request failed (RFC 7644 §3.7.2).
  ///
  /// - Parameters:
  ///   - reference: An id, or `bulkId:` and the name.
  ///   - status: The HTTP status of the failed operation.
  public static func failedReference(_ reference: String, status: Int) -> SCIMError {
    SCIMError(
      status: 409, scimType: nil,
      detail: """
        The operation refers to \(reference), whose own operation failed with status \(status), so it was not carried out. Correct that one \
        and send both again.
        """)
  }
}
