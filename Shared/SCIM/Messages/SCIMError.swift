/// An error response (RFC 7644 §3.12).
public struct SCIMError: Error, Sendable, Hashable {
  /// The HTTP status.
  public var status: Int
  /// The error type; nil if RFC 7644 table 9 has none for this error.
  public var scimType: SCIMErrorType?
  /// The explanation for an administrator: what was expected, what was found, and how to correct it.
  public var detail: String

  /// Creates an error.
  public init(status: Int, scimType: SCIMErrorType?, detail: String) {
    self.status = status
    self.scimType = scimType
    self.detail = detail
  }

  /// Returns an error with status 400.
  public static func badRequest(_ scimType: SCIMErrorType, _ detail: String) -> SCIMError {
    SCIMError(status: 400, scimType: scimType, detail: detail)
  }

  /// Creates the error for a body that is not valid JSON.
  public init(_ error: JSONSyntaxError) {
    self.init(status: 400, scimType: .invalidSyntax, detail: "The request body is not JSON that can be read: \(error).")
  }

  /// The Error message as JSON text; `status` is a string in it.
  public func body() -> [UInt8] {
    var object: JSONObject = ["schemas": [.string(MessageSchema.error)], "status": .string(String(status))]
    if let scimType { object["scimType"] = .string(scimType.rawValue) }
    object["detail"] = .string(detail)
    return object.serialized()
  }
}

/// The `scimType` of an error: RFC 7644 table 9, and RFC 9865 §2.1 for cursors.
public enum SCIMErrorType: String, Sendable, Hashable, CaseIterable {
  /// The filter is malformed, or does not fit the attributes' types.
  case invalidFilter
  /// The request or its result exceeds a limit.
  case tooMany
  /// A value is already used by another resource.
  case uniqueness
  /// The attribute is read-only or immutable.
  case mutability
  /// The body is not the expected message.
  case invalidSyntax
  /// The path is malformed, or names an attribute that the schema does not have.
  case invalidPath
  /// The path selects nothing.
  case noTarget
  /// A value is missing, or not of the attribute's type.
  case invalidValue
  /// The requested protocol version is not supported.
  case invalidVers
  /// The URL contains sensitive information.
  case sensitive
  /// The cursor is malformed.
  case invalidCursor
  /// The cursor has expired.
  case expiredCursor
  /// The page size is invalid.
  case invalidCount
}

/// The schema URNs of the protocol's messages (RFC 7644 §8.2).
public enum MessageSchema {
  /// The URN of Error messages.
  public static let error = "urn:ietf:params:scim:api:messages:2.0:Error"
  /// The URN of ListResponse messages.
  public static let listResponse = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
  /// The URN of SearchRequest messages.
  public static let searchRequest = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
  /// The URN of BulkRequest messages.
  public static let bulkRequest = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
  /// The URN of BulkResponse messages.
  public static let bulkResponse = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"
  /// The URN of PatchOp messages.
  public static let patchOperation = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
}
