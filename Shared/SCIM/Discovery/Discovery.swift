/// What the service provider says of itself (RFC 7643 §5 to §7, RFC 7644 §4).
public struct Discovery: Sendable {
  private let schemas: ResourceSchemas

  public init(schemas: ResourceSchemas) {
    self.schemas = schemas
  }

  /// The ServiceProviderConfig resource.
  ///
  /// - Parameters:
  ///   - baseURL: Without a slash at its end.
  ///   - maximumPage: The most resources in one answer to a query.
  ///   - cursorTimeout: For how many seconds a cursor is good at least.
  ///   - maximumOperations: The most operations of a bulk request.
  ///   - maximumPayload: The largest body of a bulk request, in bytes.
  public func serviceProviderConfig(
    baseURL: String, maximumPage: Int, cursorTimeout: Int, maximumOperations: Int, maximumPayload: Int
  ) -> JSON {
    [
      "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
      "patch": ["supported": true],
      "bulk": [
        "supported": true, "maxOperations": .integer(Int64(maximumOperations)), "maxPayloadSize": .integer(Int64(maximumPayload)),
      ],
      "filter": ["supported": true, "maxResults": .integer(Int64(maximumPage))],
      "changePassword": ["supported": false],
      "sort": ["supported": true],
      "etag": ["supported": true],
      "pagination": [
        "cursor": true, "index": true, "defaultPaginationMethod": "index", "defaultPageSize": .integer(Int64(min(100, maximumPage))),
        "maxPageSize": .integer(Int64(maximumPage)), "cursorTimeout": .integer(Int64(cursorTimeout)),
      ],
      "authenticationSchemes": [
        [
          "type": "oauthbearertoken", "name": "API access token",
          "description": "A token that an administrator made in Settings > API, sent as Authorization: Bearer.",
          "specUri": "https://www.rfc-editor.org/info/rfc6750", "primary": true,
        ]
      ],
      "meta": ["resourceType": "ServiceProviderConfig", "location": .string("\(baseURL)/ServiceProviderConfig")],
    ]
  }

  /// The Schema resources, one for each schema and extension.
  public func schemas(baseURL: String) -> [JSON] {
    definitions.map { $0.json(baseURL: baseURL) }
  }

  /// The schema with that URI; nil where there is none.
  public func schema(_ id: String, baseURL: String) -> JSON? {
    definitions.first { AttributeName.equal($0.id, id) }?.json(baseURL: baseURL)
  }

  /// The ResourceType resources.
  public func resourceTypes(baseURL: String) -> [JSON] {
    schemas.all.map { $0.json(baseURL: baseURL) }
  }

  /// The resource type of that name; nil where there is none.
  public func resourceType(_ name: String, baseURL: String) -> JSON? {
    schemas.all.first { $0.name == name }?.json(baseURL: baseURL)
  }

  private var definitions: [SchemaDefinition] {
    schemas.all.flatMap { [$0.core] + $0.extensions }
  }
}
