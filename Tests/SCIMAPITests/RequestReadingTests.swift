import Foundation
import HTTPTypes
import Hummingbird
import Models
import SCIM
import Testing

@testable import AdminConsole
@testable import EdgeHTTP
@testable import EdgeReads
@testable import ProductAPI
@testable import SCIMControllers
@testable import ScimAPI

@Suite("Request parsing")
struct RequestReadingTests {
  @Test(
    "JSON is accepted with both media types and without one",
    arguments: [
      nil, "application/json", "application/scim+json", "Application/SCIM+JSON; charset=UTF-8", "application/json;charset=\"utf-8\"",
    ])
  func contentType(_ type: String?) {
    #expect(throws: Never.self) { try MediaType.check(contentType: type) }
  }

  @Test(
    "Other media types and character sets are rejected", arguments: ["text/xml", "application/xml", "application/json; charset=latin1"])
  func otherContentType(_ type: String) {
    let refusal = #expect(throws: APIError.self) { try MediaType.check(contentType: type) }
    #expect(refusal?.error.status == 415)
  }

  @Test(
    "The response is application/scim+json unless the client accepts only application/json",
    arguments: [
      (nil, MediaType.scim), ("*/*", MediaType.scim), ("application/scim+json; charset=utf-8", MediaType.scim),
      ("application/json", MediaType.json), ("application/json, application/scim+json", MediaType.scim), ("text/html", MediaType.scim),
    ])
  func accept(header: String?, type: String) {
    #expect(MediaType.ofAnswer(accept: header) == type)
  }

  @Test(
    "A parameter is decoded, and a plus is a space unless the query has other encoded spaces",
    arguments: [
      ("filter=userName%20eq%20%22ana%2Btest%40example.com%22", "userName eq \"ana+test@example.com\""),
      ("filter=userName%20eq%20%22ana+test@example.com%22", "userName eq \"ana+test@example.com\""),
      ("filter=userName+eq+%22ana%22", "userName eq \"ana\""), ("FILTER=a", "a"), ("filter=a&filter=b", "a"), ("x=1&filter=a=b", "a=b"),
    ])
  func parameter(query: String, value: String) throws {
    #expect(try QueryParameters(query)["filter"] == value)
  }

  @Test("A parameter that is not percent-encoded UTF-8 is rejected", arguments: ["filter=%", "filter=%4", "filter=%zz", "filter=%FF"])
  func malformedParameter(_ query: String) {
    let refusal = #expect(throws: APIError.self) { try QueryParameters(query) }
    #expect(refusal?.error == SCIMError(status: 400, scimType: .invalidValue, detail: refusal?.error.detail ?? ""))
  }

  @Test(
    "startIndex and count are clamped",
    arguments: [
      ("", 1, 100), ("startIndex=0&count=10", 1, 10), ("startIndex=-5&count=-1", 1, 0), ("startIndex=11&count=0", 11, 0),
      ("count=100000", 1, Page.maximumCount),
    ])
  func page(query: String, startIndex: Int, count: Int) throws {
    let request = try SearchRequest(QueryParameters(query))
    let page = Page(startIndex: request.startIndex, count: request.count)
    #expect(page == Page(startIndex: startIndex, count: count))
    #expect(page.offset == startIndex - 1)
  }

  @Test("Invalid numbers in startIndex and count are rejected", arguments: ["startIndex=one", "count=1.5", "count=99999999999999999999"])
  func malformedPage(_ query: String) {
    let refusal = #expect(throws: APIError.self) { try SearchRequest(QueryParameters(query)) }
    #expect(refusal?.error.status == 400)
  }

  @Test(
    "Malformed JSON is rejected with the position",
    arguments: [(#"{"userName": "#, "byte 13"), ("nonsense", "byte 1"), ("{} x", "byte 3")])
  func malformedJSON(body: String, position: String) {
    let refusal = #expect(throws: APIError.self) { try BodyReader.parse(Array(body.utf8)) }
    #expect(refusal?.error.scimType == .invalidSyntax)
    #expect(refusal?.error.detail.contains(position) == true, "\(refusal?.error.detail ?? "")")
  }

  @Test("The memory for bodies is limited and released")
  func budget() throws {
    let budget = BodyBudget(BodyBudget.Limits(largeBodies: 400 << 10, smallBodies: 0, perWorkspace: 1 << 20))
    let owners = (0..<2).map { _ in BodyBudget.Owner.workspace(.made(at: Date())) }
    do {
      var first = BodyBudget.Share(of: budget, for: owners[0])
      try first.take(200 << 10)
      #expect(budget.taken == 200 << 10)
      var second = BodyBudget.Share(of: budget, for: owners[1])
      #expect(throws: APIError.overloaded()) { try second.take(101 << 10) }
      try second.take(100 << 10)
      first.release()
      second.release()
    }
    #expect(budget.taken == 0)
  }

  @Test("A known path gets 405, an unknown one 404, with parameters in braces")
  func paths() {
    let router = Router(context: EdgeContext.self)
    router.on("/a/{id}", method: .get) { _, _ in HTTPResponse.Status.ok }
    router.on("/a/{id}", method: .put) { _, _ in HTTPResponse.Status.ok }
    router.on("/a", method: .post) { _, _ in HTTPResponse.Status.ok }
    let known = AllowedMethods(router)
    #expect(known.methods(of: "/a/7") == [.get, .head, .put, .options])
    #expect(known.methods(of: "/a/") == [.post, .options])
    #expect(known.methods(of: "/a/7/b").isEmpty)
  }
}
