/// A BulkRequest message (RFC 7644 §3.7), validated without schemas or stored resources.
public struct BulkRequest: Sendable {
  /// The number of errors after which the remaining operations are skipped; nil for no limit.
  public let failOnErrors: Int?
  /// The operations in request order. An invalid operation fails on its own and does not affect the others.
  public let operations: [Result<Operation, InvalidOperation>]

  /// One operation of a bulk request.
  public struct Operation: Sendable, Hashable {
    /// The HTTP method.
    public let method: Method
    /// The name by which other operations refer to the created resource; never nil for POST.
    public let bulkID: String?
    /// The path relative to the base URL, with a leading slash: `/Users/2819c223`.
    public let path: String
    /// The entity tag that the resource must have, as in `If-Match`.
    public let version: String?
    /// The body of the operation; nil for DELETE only.
    public let data: JSON?
  }

  /// The error of an invalid operation, with the members that its response repeats.
  public struct InvalidOperation: Error, Sendable, Hashable {
    /// The method as sent.
    public let method: String?
    /// The `bulkId` as sent.
    public let bulkID: String?
    /// The reason.
    public let error: SCIMError
  }

  /// The HTTP methods of bulk operations.
  public enum Method: String, Sendable, Hashable, CaseIterable {
    /// Creates a resource.
    case post = "POST"
    /// Replaces a resource.
    case put = "PUT"
    /// Changes a resource.
    case patch = "PATCH"
    /// Deletes a resource.
    case delete = "DELETE"
  }

  /// Reads a BulkRequest message.
  ///
  /// - Parameters:
  ///   - json: The body of the request.
  ///   - maximumOperations: The maximum number of operations.
  /// - Throws: `invalidSyntax` or `invalidValue` if the body is not a BulkRequest message; 413 if it has too many operations (§3.7.4).
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
