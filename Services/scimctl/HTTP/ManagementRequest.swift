import Foundation
import Models
import SCIM

/// A request to a server.
struct ManagementRequest: Sendable {
  /// The method of a request.
  enum Method: String, Sendable {
    case get = "GET"
    case post = "POST"
    case put = "PUT"
    case patch = "PATCH"
    case delete = "DELETE"
  }

  /// The method.
  var method: Method
  /// The path.
  var path: APIPath
  /// The parameters of the query. Those without a value are left out.
  var query: [(name: String, value: String?)] = []
  /// The body; nil for none.
  var body: [UInt8]?
  /// The media type of the body.
  var contentType = "application/json"
  /// Further headers.
  var headers: [(name: String, value: String)] = []
  /// Whether the request may be sent again if its response is lost. Requests other than GET get an `Idempotency-Key` for it.
  var isRepeatable = true
  /// The `Idempotency-Key` of a write, for one that another process may continue; by default a new one for each request.
  var idempotencyKey: String?
  /// The time for one attempt.
  var timeout = Duration.seconds(60)

  /// A request.
  init(_ method: Method, _ path: APIPath, query: [(name: String, value: String?)] = []) {
    self.method = method
    self.path = path
    self.query = query
  }

  /// A request with a JSON body.
  init(_ method: Method, _ path: APIPath, json: JSONObject) {
    self.init(method, path)
    body = json.serialized()
  }

  /// The path and the query.
  var target: String {
    let parameters = query.compactMap { parameter in
      parameter.value.map { "\(APIPath.encoded(parameter.name))=\(APIPath.encoded($0))" }
    }
    return parameters.isEmpty ? path.description : "\(path)?\(parameters.joined(separator: "&"))"
  }
}

/// A successful response of a server.
struct ManagementResponse: Sendable {
  /// The HTTP status.
  var status: Int
  /// The headers, with names in lower case.
  var headers: [String: String]
  /// The body.
  var body: [UInt8]

  /// Decodes the JSON body.
  ///
  /// - Parameter type: What the body is, for the error.
  /// - Throws: ``ScimctlError`` if the body is something else.
  func decoded<Value: Decodable>(_: Value.Type = Value.self, as type: String) throws -> Value {
    do {
      return try JSONData.decode(from: body, type: type)
    } catch {
      throw ScimctlError(.internal, "the server's response is not one that this version of scimctl understands: \(error)")
    }
  }

  /// The JSON of the body.
  ///
  /// - Throws: ``ScimctlError`` if the body is not JSON.
  func json() throws -> JSON {
    do {
      return try JSON(parsing: body, limits: JSONLimits(depth: 64, allowsNullCharacter: true))
    } catch {
      throw ScimctlError(.internal, "the server's response is not JSON: \(error). Is the URL that of a Rollcall server?")
    }
  }
}
