import Foundation
import Models
import ProvisioningLog
import SCIM
import SCIMStorage

/// A measured operation. Add new ones to ``all()``.
struct Work {
  let name: String
  /// The longest acceptable CPU time in microseconds; `nil` without a target.
  var target: Double?
  let run: () throws -> Void

  static func all() throws -> [Work] {
    try writes() + reads() + log()
  }

  /// Writes: in scim-api from the request body to the command, in identity-store from the command to the stored document.
  private static func writes() throws -> [Work] {
    let schemas = ResourceSchemas(roles: ["admin", "editor", "viewer"])
    let normaliser = Normaliser(profile: .auto, userAgent: "Okta SCIM Client 1.0.0", schemas: schemas)
    let stored = try UserDocument(normaliser.user(JSON(parsing: Bodies.put)).json, schemas: schemas)
      .openDocument(id: Bodies.id, created: "2026-01-31T08:00:00.000Z")

    func put() throws -> [UInt8] {
      try UserDocument(normaliser.user(JSON(parsing: Bodies.put)).json, schemas: schemas).json()
    }
    func storedPut(_ command: [UInt8]) throws -> [UInt8] {
      try UserDocument(JSON(parsing: command), schemas: schemas).replacing(openDocument: stored, schemas: schemas)
        .settingActive(true).openDocument(id: Bodies.id, created: "2026-01-31T08:00:00.000Z")
    }
    func patch() throws -> [UInt8] {
      let patch = try Patch(normaliser.userPatch(JSON(parsing: Bodies.patch)))
      try patch.check(against: schemas.user)
      return patch.json()
    }
    func storedPatch(_ command: [UInt8]) throws -> [UInt8] {
      try Patch(JSON(parsing: command)).applied(to: UserDocument(openDocument: stored, schemas: schemas), schemas: schemas)
        .openDocument(id: Bodies.id, created: "2026-01-31T08:00:00.000Z")
    }
    let putCommand = try put()
    let patchCommand = try patch()
    return [
      Work(name: "Okta's PUT of \(Bodies.put.count) bytes: parse, normalise, validate, apply", target: 60) {
        blackHole(
          try UserDocument(normaliser.user(JSON(parsing: Bodies.put)).json, schemas: schemas).settingActive(true).openDocument(
            id: Bodies.id, created: "2026-01-31T08:00:00.000Z"))
      },
      Work(name: "  in scim-api, including writing the command") { blackHole(try put()) },
      Work(name: "  in identity-store, including reading the command") { blackHole(try storedPut(putCommand)) },
      Work(name: "PATCH with three operations: parse, normalise, validate, apply", target: 40) {
        let patch = try Patch(normaliser.userPatch(JSON(parsing: Bodies.patch)))
        try patch.check(against: schemas.user)
        blackHole(
          try patch.applied(to: UserDocument(openDocument: stored, schemas: schemas), schemas: schemas).openDocument(
            id: Bodies.id, created: "2026-01-31T08:00:00.000Z"))
      },
      Work(name: "  in scim-api, including writing the command") { blackHole(try patch()) },
      Work(name: "  in identity-store, including reading the command and the document") { blackHole(try storedPatch(patchCommand)) },
      Work(name: "JSON of \(Bodies.put.count) bytes: parse") { blackHole(try JSON(parsing: Bodies.put)) },
    ]
  }

  /// The entry of a request in the provisioning log, which scim-api writes after the response.
  private static func log() throws -> [Work] {
    let body = try JSON(parsing: Bodies.put)
    let (workspace, now) = (WorkspaceID.made(at: Date()), Date())
    return [
      Work(name: "provisioning log entry with a body of \(Bodies.put.count) bytes", target: 40) {
        var entry = LogEntry(
          id: .made(at: now), workspace: workspace, at: now, method: "PUT", path: "/api/v2/scim/Users/\(Bodies.id)", status: 200,
          milliseconds: 4.2)
        entry.token = TokenID(workspace.uuid)
        entry.identityProvider = "okta"
        entry.userAgent = "Okta SCIM Client 1.0.0"
        entry.resource = workspace.resource
        entry.trace = "0af7651916cd43dd8448eb211c80319c"
        entry.body = LoggedBody.keeping(body, bytes: Bodies.put.count).body
        entry.name = entry.body?.content.name("userName")
        let event = entry.cloudEvent(source: "scim-api/0")
        blackHole((event.data, event.headers))
      }
    ]
  }

  private static func reads() throws -> [Work] {
    let schema = ResourceSchemas().user
    let resource = try JSON(parsing: Bodies.put)
    let filters = [
      #"userName eq "ana.lopez@example.com""#, #"emails[type eq "work"].value eq "ana.lopez@example.com""#,
      #"userType eq "Employee" and (emails co "example.com" or emails.value co "example.org") and not (meta.lastModified lt "2026-01-31T08:00:00Z")"#,
    ]
    let parsed = try filters.map { text throws(SCIMError) in try Filter(parsing: text) }
    let workspace = WorkspaceID.made(at: Date())
    func sql(_ filter: TypedFilter) -> String {
      var compiler = FilterCompiler(
        .user, baseURL: "https://app.example.com/api/v2/scim", in: workspace,
        parameters: BoundParameters([.uuid(workspace.uuid)]))
      return compiler.condition(filter.expression)
    }
    return [
      Work(name: "JSON of \(Bodies.put.count) bytes: write") { blackHole(resource.serialized()) },
      Work(name: "filter, \(filters[0])") { blackHole(try Filter(parsing: filters[0])) },
      Work(name: "filter, \(filters[1])") { blackHole(try Filter(parsing: filters[1])) },
      Work(name: "filter with four comparisons, and, or, not") { blackHole(try Filter(parsing: filters[2])) },
      Work(name: "to SQL, the first of these filters") { blackHole(sql(try parsed[0].typed(for: schema))) },
      Work(name: "to SQL, the second") { blackHole(sql(try parsed[1].typed(for: schema))) },
      Work(name: "to SQL, the one with four comparisons") { blackHole(sql(try parsed[2].typed(for: schema))) },
      Work(name: "projection on userName, name.familyName, emails.value") {
        let projection = try Projection(attributes: "userName,name.familyName,emails.value", excluded: nil, schema: schema)
        blackHole(projection.apply(to: resource.object ?? JSONObject()).serialized())
      },
    ]
  }
}

/// Prevents the optimiser from removing operations whose result is unused.
@inline(never)
@_optimize(none)
func blackHole(_ value: some Any) {}
