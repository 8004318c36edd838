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
  ///   - limits: What the service takes and gives at most.
  public func serviceProviderConfig(baseURL: String, limits: ServiceLimits) -> JSON {
    [
      "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
      "patch": ["supported": true],
      "bulk": [
        "supported": true, "maxOperations": .integer(Int64(limits.bulkOperations)), "maxPayloadSize": .integer(Int64(limits.payload)),
      ],
      "filter": ["supported": true, "maxResults": .integer(Int64(limits.page))],
      "changePassword": ["supported": false],
      "sort": ["supported": true],
      "etag": ["supported": true],
      "pagination": [
        "cursor": true, "index": true, "defaultPaginationMethod": "index", "defaultPageSize": .integer(Int64(limits.defaultPage)),
        "maxPageSize": .integer(Int64(limits.page)), "cursorTimeout": .integer(Int64(limits.cursorTimeout)),
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
    definitions.map { $0.definition.json(baseURL: baseURL, ofResource: $0.isOfResource) }
  }

  /// The schema with that URI; nil where there is none.
  public func schema(_ id: String, baseURL: String) -> JSON? {
    definitions.first { AttributeName.equal($0.definition.id, id) }.map {
      $0.definition.json(baseURL: baseURL, ofResource: $0.isOfResource)
    }
  }

  /// The ResourceType resources.
  public func resourceTypes(baseURL: String) -> [JSON] {
    schemas.all.map { $0.json(baseURL: baseURL) }
  }

  /// The resource type of that name; nil where there is none.
  public func resourceType(_ name: String, baseURL: String) -> JSON? {
    schemas.all.first { $0.name == name }?.json(baseURL: baseURL)
  }

  /// The schemas; those of resources, rather than of extensions, show the common attributes, too.
  private var definitions: [(definition: SchemaDefinition, isOfResource: Bool)] {
    schemas.all.flatMap { schema in [(schema.core, true)] + schema.extensions.map { ($0, false) } }
  }
}

/// What a service takes and gives at most, as its ServiceProviderConfig says (RFC 7643 §5, RFC 9865 §4).
public struct ServiceLimits: Sendable, Hashable {
  /// The most resources in one answer to a query.
  public var page: Int
  /// How many there are where the client names no number.
  public var defaultPage: Int
  /// For how many seconds a cursor is good at least.
  public var cursorTimeout: Int
  /// The most operations of a bulk request.
  public var bulkOperations: Int
  /// The largest body of a bulk request, in bytes.
  public var payload: Int

  public init(page: Int, defaultPage: Int, cursorTimeout: Int, bulkOperations: Int, payload: Int) {
    self.page = page
    self.defaultPage = defaultPage
    self.cursorTimeout = cursorTimeout
    self.bulkOperations = bulkOperations
    self.payload = payload
  }
}
