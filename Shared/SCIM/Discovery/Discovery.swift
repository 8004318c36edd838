/// The discovery documents of a service provider (RFC 7643 §5 to §7, RFC 7644 §4).
public struct Discovery: Sendable {
  private let schemas: ResourceSchemas

  /// Creates the documents for a workspace's schemas.
  public init(schemas: ResourceSchemas) {
    self.schemas = schemas
  }

  /// Returns the ServiceProviderConfig resource.
  ///
  /// - Parameters:
  ///   - baseURL: The base URL of the SCIM endpoints, without a trailing slash.
  ///   - limits: The limits of the service. Bulk requests and cursors are announced if their limits are above 0.
  public func serviceProviderConfig(baseURL: String, limits: ServiceLimits) -> JSON {
    [
      "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
      "patch": ["supported": true],
      "bulk": [
        "supported": .bool(limits.bulkOperations > 0), "maxOperations": .integer(Int64(limits.bulkOperations)),
        "maxPayloadSize": .integer(Int64(limits.payload)),
      ],
      "filter": ["supported": true, "maxResults": .integer(Int64(limits.page))],
      "changePassword": ["supported": false],
      "sort": ["supported": true],
      "etag": ["supported": true],
      "pagination": [
        "cursor": .bool(limits.cursorTimeout > 0), "index": true, "defaultPaginationMethod": "index",
        "defaultPageSize": .integer(Int64(limits.defaultPage)),
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

  /// Returns the Schema resources, one for each schema and extension.
  public func schemas(baseURL: String) -> [JSON] {
    definitions.map { $0.definition.json(baseURL: baseURL, ofResource: $0.isOfResource) }
  }

  /// Returns the Schema resource with this URI; nil if there is none.
  public func schema(_ id: String, baseURL: String) -> JSON? {
    definitions.first { AttributeName.equal($0.definition.id, id) }.map {
      $0.definition.json(baseURL: baseURL, ofResource: $0.isOfResource)
    }
  }

  /// Returns the ResourceType resources.
  public func resourceTypes(baseURL: String) -> [JSON] {
    schemas.all.map { $0.json(baseURL: baseURL) }
  }

  /// Returns the ResourceType resource with this name; nil if there is none.
  public func resourceType(_ name: String, baseURL: String) -> JSON? {
    schemas.all.first { $0.name == name }?.json(baseURL: baseURL)
  }

  /// All schemas; core schemas also list the common attributes.
  private var definitions: [(definition: SchemaDefinition, isOfResource: Bool)] {
    schemas.all.flatMap { schema in [(schema.core, true)] + schema.extensions.map { ($0, false) } }
  }
}

/// The limits of a service, which its ServiceProviderConfig announces (RFC 7643 §5, RFC 9865 §4).
public struct ServiceLimits: Sendable, Hashable {
  /// The maximum page size.
  public var page: Int
  /// The page size if the client does not set `count`.
  public var defaultPage: Int
  /// The minimum validity of a cursor, in seconds; 0 if the service has no cursors.
  public var cursorTimeout: Int
  /// The maximum number of operations in a bulk request; 0 if the service has no bulk requests.
  public var bulkOperations: Int
  /// The maximum size of a bulk request, in bytes.
  public var payload: Int

  /// Creates limits.
  public init(page: Int, defaultPage: Int, cursorTimeout: Int, bulkOperations: Int, payload: Int) {
    self.page = page
    self.defaultPage = defaultPage
    self.cursorTimeout = cursorTimeout
    self.bulkOperations = bulkOperations
    self.payload = payload
  }
}
