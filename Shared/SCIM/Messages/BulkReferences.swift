/// The references of an operation of a bulk request to what other operations make: `bulkId:` and their name (RFC 7644 §3.7.2).
public struct BulkReferences: Sendable {
  public static let prefix = "bulkId:"

  /// The names that were found, each once.
  public private(set) var names: [String] = []
  private var seen: Set<String> = []
  private let id: @Sendable (String) -> String?

  /// - Parameter id: the id of what the operation of that name makes; nil where there is none.
  public init(id: @escaping @Sendable (String) -> String?) {
    self.id = id
  }

  /// `text` itself, or the id of the resource that it refers to.
  ///
  /// - Throws: `invalidValue` for a reference to nothing.
  public mutating func resolve(_ text: String) throws(SCIMError) -> String {
    guard text.hasPrefix(Self.prefix) else { return text }
    return try resolve(name: String(text.dropFirst(Self.prefix.count)))
  }

  /// The value with each string that is a reference replaced by an id, and each reference in the filter of a PATCH path as well.
  ///
  /// - Throws: `invalidValue` for a reference to nothing.
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

  /// A reference is a whole string, or stands in quotes within one: `members[value eq "bulkId:ana"]`.
  private mutating func resolveWithin(_ text: String) throws(SCIMError) -> String {
    let quoted = "\"" + Self.prefix
    guard text.contains(quoted) else { return try resolve(text) }
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
  /// An operation of a bulk request that names what another one was to make, and did not (RFC 7644 §3.7.2).
  ///
  /// - Parameters:
  ///   - reference: how it is named: an id, or `bulkId:` and the name.
  ///   - status: of the operation that failed.
  public static func failedReference(_ reference: String, status: Int) -> SCIMError {
    SCIMError(
      status: 409, scimType: nil,
      detail: """
        The operation refers to \(reference), whose own operation failed with status \(status), so it was not carried out. Correct that one \
        and send both again.
        """)
  }
}
