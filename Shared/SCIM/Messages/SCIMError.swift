/// A refusal as the protocol words it (RFC 7644 §3.12).
public struct SCIMError: Error, Sendable, Hashable {
  /// The HTTP status.
  public var status: Int
  /// What kind of 400 (or 409) it is; nil where RFC 7644 table 9 has no word for it.
  public var scimType: SCIMErrorType?
  /// What an administrator can act on.
  public var detail: String

  public init(status: Int, scimType: SCIMErrorType?, detail: String) {
    self.status = status
    self.scimType = scimType
    self.detail = detail
  }

  /// A 400 of that type.
  public static func badRequest(_ scimType: SCIMErrorType, _ detail: String) -> SCIMError {
    SCIMError(status: 400, scimType: scimType, detail: detail)
  }

  /// The answer to a body that is not JSON.
  public init(_ error: JSONSyntaxError) {
    self.init(status: 400, scimType: .invalidSyntax, detail: "The request body is not JSON that can be read: \(error).")
  }

  /// The Error message; `status` is a string in it.
  public func body() -> [UInt8] {
    var object: JSONObject = ["schemas": [.string(MessageSchema.error)], "status": .string(String(status))]
    if let scimType { object["scimType"] = .string(scimType.rawValue) }
    object["detail"] = .string(detail)
    return object.serialized()
  }
}

/// The `scimType` of an error: RFC 7644 table 9, and RFC 9865 §2.1 for cursors.
public enum SCIMErrorType: String, Sendable, Hashable, CaseIterable {
  case invalidFilter
  case tooMany
  case uniqueness
  case mutability
  case invalidSyntax
  case invalidPath
  case noTarget
  case invalidValue
  case invalidVers
  case sensitive
  case invalidCursor
  case expiredCursor
  case invalidCount
}

/// The URNs of the protocol's messages (RFC 7644 §8.2).
public enum MessageSchema {
  public static let error = "urn:ietf:params:scim:api:messages:2.0:Error"
  public static let listResponse = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
  public static let searchRequest = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
  public static let bulkRequest = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
  public static let bulkResponse = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"
  public static let patchOperation = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
}
