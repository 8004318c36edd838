import SCIM
import Testing

/// A user of the sample store.
struct StoredUser {
  let id: String
  var document: UserDocument
  let created: String
  var lastModified: String
  var version = 1

  /// The resource that clients get: the document and what the server knows.
  func resource(baseURL: String) -> JSONObject {
    var resource = document.attributes
    resource["id"] = .string(id)
    resource["meta"] = [
      "resourceType": "User", "created": .string(created), "lastModified": .string(lastModified),
      "location": .string("\(baseURL)/Users/\(id)"), "version": .string("W/\"\(version)\""),
    ]
    return resource
  }
}

/// Serves users from memory. Replace the dictionary by your database.
struct UserService {
  let baseURL = "https://example.com/scim/v2"
  let schemas = ResourceSchemas()
  private(set) var users: [String: StoredUser] = [:]
}

extension UserService {
  /// Parses the body of a request, and brings it into the form of the RFCs.
  private func user(_ body: [UInt8], userAgent: String?) throws(SCIMError) -> UserDocument {
    let normaliser = Normaliser(profile: .auto, userAgent: userAgent, schemas: schemas)
    let user = try UserDocument(normaliser.user(json(body)).json, schemas: schemas)
    try user.checkBounds(schemas: schemas)
    return user
  }

  private func json(_ body: [UInt8]) throws(SCIMError) -> JSON {
    do throws(JSONSyntaxError) {
      return try JSON(parsing: body)
    } catch {
      throw SCIMError(error)
    }
  }
}

extension UserService {
  /// `POST /Users`
  mutating func create(_ body: [UInt8], userAgent: String?, id: String, now: String) throws(SCIMError) -> JSONObject {
    let user = try user(body, userAgent: userAgent)
    try checkUnique(user.userName, except: nil)
    let stored = StoredUser(id: id, document: user, created: now, lastModified: now)
    users[id] = stored
    return stored.resource(baseURL: baseURL)
  }

  /// The engine compares user names without case, as the schema says.
  private func checkUnique(_ userName: String, except id: String?) throws(SCIMError) {
    let filter = try Filter(.comparison("userName", .equal, .string(userName))).typed(for: schemas.user)
    for (other, stored) in users where other != id && filter.matches(stored.document.attributes) {
      throw SCIMError(status: 409, scimType: .uniqueness, detail: "The userName '\(userName)' belongs to another user.")
    }
  }
}

extension UserService {
  /// `GET /Users/{id}`
  func read(_ id: String) throws(SCIMError) -> JSONObject { try stored(id).resource(baseURL: baseURL) }

  private func stored(_ id: String) throws(SCIMError) -> StoredUser {
    guard let stored = users[id] else { throw SCIMError(status: 404, scimType: nil, detail: "There is no user \(id).") }
    return stored
  }
}

extension UserService {
  /// `GET /Users?filter=…&startIndex=…&count=…&attributes=…`, or `POST /Users/.search`
  func list(_ request: SearchRequest) throws(SCIMError) -> ListResponse {
    let projection = try Projection(attributes: request.attributes, excluded: request.excludedAttributes, schema: schemas.user)
    var found = users.values.sorted { $0.id < $1.id }.map { $0.resource(baseURL: baseURL) }
    if let text = request.filter {
      let filter = try Filter(parsing: text).typed(for: schemas.user)
      found = found.filter(filter.matches)
    }
    let startIndex = max(request.startIndex ?? 1, 1)
    let page = found.dropFirst(startIndex - 1).prefix(min(max(request.count ?? 100, 0), 100))
    return ListResponse(
      totalResults: found.count, startIndex: startIndex, resources: page.map { projection.apply(to: $0).serialized() })
  }
}

extension UserService {
  /// `PUT /Users/{id}`
  mutating func replace(_ id: String, by body: [UInt8], userAgent: String?, now: String) throws(SCIMError) -> JSONObject {
    let user = try user(body, userAgent: userAgent)
    return try store(user.replacing(stored(id).document, schemas: schemas), id, now: now)
  }

  /// `PATCH /Users/{id}`
  mutating func patch(_ id: String, by body: [UInt8], userAgent: String?, now: String) throws(SCIMError) -> JSONObject {
    let normaliser = Normaliser(profile: .auto, userAgent: userAgent, schemas: schemas)
    let patch = try Patch(normaliser.userPatch(json(body)))
    let changed = try patch.applied(to: stored(id).document, schemas: schemas)
    try changed.checkBounds(schemas: schemas)
    return try store(changed, id, now: now)
  }

  private mutating func store(_ document: UserDocument, _ id: String, now: String) throws(SCIMError) -> JSONObject {
    var stored = try stored(id)
    if document != stored.document {
      try checkUnique(document.userName, except: id)
      stored.document = document
      stored.lastModified = now
      stored.version += 1
      users[id] = stored
    }
    return stored.resource(baseURL: baseURL)
  }

  /// `DELETE /Users/{id}`
  mutating func delete(_ id: String) throws(SCIMError) {
    _ = try stored(id)
    users[id] = nil
  }
}

extension UserService {
  /// Calls a handler, and returns the status and the body of the response.
  mutating func respond(
    status: Int, _ handler: (inout UserService) throws(SCIMError) -> [UInt8]
  ) -> (status: Int, body: [UInt8]) {
    do throws(SCIMError) {
      return (status, try handler(&self))
    } catch {
      return (error.status, error.body())
    }
  }
}

extension UserService {
  /// `GET /ServiceProviderConfig`
  func serviceProviderConfig() -> JSON {
    let limits = ServiceLimits(page: 100, defaultPage: 100, cursorTimeout: 0, bulkOperations: 0, payload: 0)
    return Discovery(schemas: schemas).serviceProviderConfig(baseURL: baseURL, limits: limits)
  }

  /// `GET /Schemas`
  func schemaResources() -> ListResponse {
    let resources = Discovery(schemas: schemas).schemas(baseURL: baseURL)
    return ListResponse(totalResults: resources.count, resources: resources.map { $0.serialized() })
  }

  /// `GET /ResourceTypes`
  func resourceTypes() -> ListResponse {
    let resources = Discovery(schemas: schemas).resourceTypes(baseURL: baseURL)
    return ListResponse(totalResults: resources.count, resources: resources.map { $0.serialized() })
  }
}

@Suite("Serving SCIM from your own store")
struct ServeFromYourOwnStoreTests {
  private static let schema = "urn:ietf:params:scim:schemas:core:2.0:User"
  private static let now = "2026-01-31T08:00:00.000Z"
  private static let later = "2026-01-31T09:00:00.000Z"

  private static func service() throws -> UserService {
    var service = UserService()
    for (id, name) in [("1", "ana@example.com"), ("2", "ben@example.org")] {
      let body = #"{"schemas":["\#(schema)"],"userName":"\#(name)","active":"True"}"#
      _ = try service.create(Array(body.utf8), userAgent: "Okta SCIM Client 1.0.0", id: id, now: now)
    }
    return service
  }

  @Test("A created user is read back with its id and meta, and with the client's text for a boolean corrected")
  func create() throws {
    let user = try Self.service().read("1")
    #expect(user["id"] == "1")
    #expect(user["userName"] == "ana@example.com")
    #expect(user["active"] == true)
    #expect(user["meta"]?.object?["location"] == "https://example.com/scim/v2/Users/1")
    #expect(user["meta"]?.object?["version"] == "W/\"1\"")
  }

  @Test("A userName that differs in case only is taken")
  func uniqueness() throws {
    var service = try Self.service()
    let body = #"{"schemas":["\#(Self.schema)"],"userName":"ANA@example.com"}"#
    let response = service.respond(status: 201) { service throws(SCIMError) in
      try service.create(Array(body.utf8), userAgent: nil, id: "3", now: Self.now).serialized()
    }
    #expect(response.status == 409)
    #expect(try JSON(parsing: response.body).object?["scimType"] == "uniqueness")
    #expect(service.users.count == 2)
  }

  @Test("A list is filtered, paged and reduced to the requested attributes")
  func list() throws {
    let service = try Self.service()
    let found = try service.list(SearchRequest(attributes: ["userName"], filter: #"userName ew "example.ORG""#))
    #expect(found.head.totalResults == 1)
    let user = try #require(JSON(parsing: found.serialized()).object?["Resources"]?.array?.first?.object)
    #expect(user["userName"] == "ben@example.org")
    #expect(user["active"] == nil)
    let second = try service.list(SearchRequest(startIndex: 2, count: 10))
    #expect(second.head == ListResponse.Head(totalResults: 2, startIndex: 2))
    #expect(second.resources.count == 1)
  }

  @Test("A PATCH and a PUT change the user and its version; one that changes nothing does not")
  func change() throws {
    var service = try Self.service()
    let message = #"""
      {"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
       "Operations":[{"op":"Replace","path":"active","value":"False"}]}
      """#
    let patched = try service.patch("1", by: Array(message.utf8), userAgent: "Azure SCIM Client", now: Self.later)
    #expect(patched["active"] == false)
    #expect(patched["meta"]?.object?["version"] == "W/\"2\"")
    #expect(patched["meta"]?.object?["lastModified"] == .string(Self.later))
    let body = #"{"schemas":["\#(Self.schema)"],"userName":"ana@example.com","active":false}"#
    let same = try service.replace("1", by: Array(body.utf8), userAgent: nil, now: "2026-01-31T10:00:00.000Z")
    #expect(same["meta"]?.object?["version"] == "W/\"2\"")
    let taken = service.respond(status: 200) { service throws(SCIMError) in
      let body = #"{"schemas":["\#(Self.schema)"],"userName":"ben@example.org"}"#
      return try service.replace("1", by: Array(body.utf8), userAgent: nil, now: Self.later).serialized()
    }
    #expect(taken.status == 409)
  }

  @Test("A deleted user and a body that is not JSON get SCIM errors")
  func errors() throws {
    var service = try Self.service()
    try service.delete("1")
    let missing = service.respond(status: 200) { service throws(SCIMError) in try service.read("1").serialized() }
    #expect(missing.status == 404)
    let malformed = service.respond(status: 201) { service throws(SCIMError) in
      try service.create(Array("{".utf8), userAgent: nil, id: "3", now: Self.now).serialized()
    }
    #expect(malformed.status == 400)
    #expect(try JSON(parsing: malformed.body).object?["scimType"] == "invalidSyntax")
  }

  @Test("The discovery documents list both resource types")
  func discovery() throws {
    let service = UserService()
    #expect(service.serviceProviderConfig().object?["filter"]?.object?["maxResults"] == 100)
    #expect(service.resourceTypes().head.totalResults == 2)
    #expect(service.schemaResources().resources.count == 3)
  }
}
