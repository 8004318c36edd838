/// A BulkRequest message (RFC 7644 §3.7), read as far as that needs neither schemas nor stored resources.
public struct BulkRequest: Sendable {
  /// After how many errors the rest is left alone; nil: never.
  public let failOnErrors: Int?
  /// In the order of the request. What is no operation is refused in its place and does no harm to the others.
  public let operations: [Result<Operation, InvalidOperation>]

  public struct Operation: Sendable, Hashable {
    public let method: Method
    /// The name under which other operations refer to what this one makes; there with POST.
    public let bulkID: String?
    /// Relative to the base URL, from the slash on: `/Users/2819c223`.
    public let path: String
    /// The entity tag that the resource is to have.
    public let version: String?
    /// There with every method but DELETE.
    public let data: JSON?
  }

  /// What is no operation, with as much of it as the answer repeats.
  public struct InvalidOperation: Error, Sendable, Hashable {
    public let method: String?
    public let bulkID: String?
    public let error: SCIMError
  }

  public enum Method: String, Sendable, Hashable, CaseIterable {
    case post = "POST"
    case put = "PUT"
    case patch = "PATCH"
    case delete = "DELETE"
  }

  /// Reads a message.
  ///
  /// - Parameter maximumOperations: the most operations that are carried out at once.
  /// - Throws: `invalidSyntax` or `invalidValue` for what is no BulkRequest message; 413 for one with too many operations (§3.7.4).
  public init(_ json: JSON, maximumOperations: Int) throws(SCIMError) {
    guard case .object(let message) = json else {
      throw .badRequest(
        .invalidSyntax, "The request body must be a BulkRequest message, a JSON object with Operations, found \(json.summary).")
    }
    let schemas = message.value(forAttribute: "schemas")?.array ?? []
    guard schemas.contains(where: { $0.string.map { AttributeName.equal($0, MessageSchema.bulkRequest) } ?? false }) else {
      throw .badRequest(.invalidSyntax, "schemas must hold \(MessageSchema.bulkRequest) in the body of a bulk request.")
    }
    switch message.value(forAttribute: "failOnErrors") {
    case nil, .null?: failOnErrors = nil
    case .integer(let limit)? where limit > 0: failOnErrors = Int(limit)
    case let other?: throw .badRequest(.invalidValue, "failOnErrors must be a whole number from 1, found \(other.summary).")
    }
    guard case .array(let operations)? = message.value(forAttribute: "Operations"), !operations.isEmpty else {
      throw .badRequest(.invalidSyntax, "Operations must be an array with one operation or more, each with method, path and data.")
    }
    guard operations.count <= maximumOperations else {
      throw SCIMError(
        status: 413, scimType: nil,
        detail: """
          The bulk request has \(operations.count) operations; the limit, maxOperations, is \(maximumOperations). Send it in several \
          requests. Nothing was changed.
          """)
    }
    var names: Set<String> = []
    self.operations = operations.map { json in
      let operation = Operation.read(json)
      guard case .success(let read) = operation, let name = read.bulkID, !names.insert(name).inserted else { return operation }
      return .failure(
        InvalidOperation(
          method: read.method.rawValue, bulkID: name,
          error: .badRequest(.invalidValue, "The bulkId '\(name.prefix(100))' is that of an earlier operation; each needs its own.")))
    }
  }
}

extension BulkRequest.Operation {
  fileprivate static func read(_ json: JSON) -> Result<BulkRequest.Operation, BulkRequest.InvalidOperation> {
    let object = json.object ?? JSONObject()
    let bulkID = object.value(forAttribute: "bulkId")
    let name = object.value(forAttribute: "method")?.string
    do throws(SCIMError) {
      guard json.object != nil else {
        throw .badRequest(.invalidSyntax, "An operation must be an object with method, path and data, found \(json.summary).")
      }
      return .success(try BulkRequest.Operation(object, bulkID: bulkID, method: name))
    } catch {
      return .failure(BulkRequest.InvalidOperation(method: name.map { String($0.prefix(20)) }, bulkID: bulkID?.string, error: error))
    }
  }

  private init(_ object: JSONObject, bulkID: JSON?, method name: String?) throws(SCIMError) {
    guard let name, let method = BulkRequest.Method(rawValue: name.uppercased()) else {
      let found = object.value(forAttribute: "method")?.summary ?? "nothing"
      throw .badRequest(.invalidSyntax, "method must be \"POST\", \"PUT\", \"PATCH\" or \"DELETE\", found \(found).")
    }
    guard let path = object.value(forAttribute: "path")?.string, !path.isEmpty else {
      let found = object.value(forAttribute: "path")?.summary ?? "nothing"
      throw .badRequest(.invalidSyntax, "path must be that of an endpoint or a resource, such as \"/Users\", found \(found).")
    }
    switch bulkID {
    case nil, .null?:
      guard method != .post else {
        throw .badRequest(
          .invalidSyntax, "An operation with the method POST must have a bulkId, by which others and the answer refer to it.")
      }
      self.bulkID = nil
    case .string(let name)? where !name.isEmpty: self.bulkID = name
    case let other?: throw .badRequest(.invalidValue, "bulkId must be a string that is not empty, found \(other.summary).")
    }
    switch object.value(forAttribute: "version") {
    case nil, .null?: version = nil
    case .string(let tag)?: version = tag
    case let other?:
      throw .badRequest(.invalidValue, "version must be an entity tag, a string as meta.version has it, found \(other.summary).")
    }
    let data = object.value(forAttribute: "data")
    if method != .delete, data == nil || data == .null {
      throw .badRequest(
        .invalidSyntax, "An operation with the method \(method.rawValue) must have data, what would be the body of its request.")
    }
    self.method = method
    self.path = path.hasPrefix("/") ? path : "/" + path
    self.data = data
  }
}
