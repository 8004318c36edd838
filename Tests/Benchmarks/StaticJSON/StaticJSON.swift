import Hummingbird

/// The baseline of the read benchmarks in `ops/bench`: Hummingbird alone, returning the same user for every request.
@main
struct StaticJSON {
  static func main() async throws {
    guard CommandLine.arguments.count == 2, let port = Int(CommandLine.arguments[1]) else { throw Usage() }
    let body = ByteBuffer(string: user)
    let router = Router()
    router.get("/") { _, _ in
      Response(
        status: .ok, headers: [.contentType: "application/scim+json; charset=utf-8"], body: ResponseBody(byteBuffer: body))
    }
    let application = Application(router: router, configuration: .init(address: .hostname("127.0.0.1", port: port)))
    try await application.runService()
  }

  struct Usage: Error, CustomStringConvertible {
    var description: String { "usage: static-json PORT" }
  }

  /// About the size of the users that the benchmark reads.
  private static let user = #"""
    {"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],\#
    "id":"01a20a00-0000-7001-8001-000000000001","externalId":"00u0000000001","userName":"user1@example.com",\#
    "name":{"familyName":"Silva","givenName":"Ana"},"displayName":"Ana Silva","title":"Analyst","locale":"en-US","active":true,\#
    "emails":[{"value":"user1@example.com","type":"work","primary":true}],\#
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"employeeNumber":"1","department":"Data"},\#
    "meta":{"resourceType":"User","created":"2026-01-05T09:00:00.000Z","lastModified":"2026-01-05T09:00:00.000Z",\#
    "version":"W/\"2\"","location":"http://127.0.0.1:8080/api/v2/scim/Users/01a20a00-0000-7001-8001-000000000001"},\#
    "groups":[{"value":"01a20b00-0000-7001-8001-000000000001",\#
    "$ref":"http://127.0.0.1:8080/api/v2/scim/Groups/01a20b00-0000-7001-8001-000000000001","display":"Everybody"}]}
    """#
}
