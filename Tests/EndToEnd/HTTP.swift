import Foundation
import FoundationNetworking

/// What a server answered.
struct Answer: Sendable {
  var status: Int
  var headers: [String: String]
  var body: [UInt8]

  var text: String { String(decoding: body, as: UTF8.self) }

  /// The body as a JSON object; empty where it is none.
  var json: [String: Any] {
    (try? JSONSerialization.jsonObject(with: Data(body))) as? [String: Any] ?? [:]
  }
}

/// HTTP as an identity provider speaks it: one request, one answer, a socket timeout of a minute.
enum HTTP {
  private static let session: URLSession = {
    let configuration = URLSessionConfiguration.ephemeral
    configuration.timeoutIntervalForRequest = 60
    configuration.httpMaximumConnectionsPerHost = 64
    return URLSession(configuration: configuration)
  }()

  static func send(_ method: String, _ url: String, headers: [String: String] = [:], body: String? = nil) async throws -> Answer {
    guard let address = URL(string: url) else { throw URLError(.badURL) }
    var request = URLRequest(url: address)
    request.httpMethod = method
    for (name, value) in headers { request.setValue(value, forHTTPHeaderField: name) }
    request.httpBody = body.map { Data($0.utf8) }
    let (data, response) = try await session.data(for: request)
    guard let response = response as? HTTPURLResponse else { throw URLError(.badServerResponse) }
    var received: [String: String] = [:]
    for case (let name as String, let value as String) in response.allHeaderFields { received[name.lowercased()] = value }
    return Answer(status: response.statusCode, headers: received, body: [UInt8](data))
  }

  /// The status alone; nil where nobody answers.
  static func status(of url: String) async -> Int? {
    try? await send("GET", url).status
  }
}

/// An identity provider that has been given a URL and a token.
struct IdentityProvider: Sendable {
  let baseURL: String
  let token: String
  /// How it names itself.
  var userAgent: String? = nil
  /// The host that it calls; nil for that of ``baseURL``.
  var host: String? = nil

  func send(_ method: String, _ path: String, body: String? = nil, contentType: String = "application/scim+json") async throws -> Answer {
    var headers = ["Authorization": "Bearer \(token)", "Accept": "application/scim+json; charset=utf-8"]
    if body != nil { headers["Content-Type"] = contentType }
    headers["User-Agent"] = userAgent
    headers["Host"] = host
    return try await HTTP.send(method, baseURL + path, headers: headers, body: body)
  }

  func find(userName: String) async throws -> Answer {
    let filter = "userName eq \"\(userName)\"".addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
    return try await send("GET", "/Users?filter=\(filter)&startIndex=1&count=100")
  }

  /// The body that Okta POSTs for a person.
  static func oktaUser(_ email: String, givenName: String = "Ana", familyName: String = "Silva", active: Bool = true) -> String {
    """
    {"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"\(email)",
     "name":{"givenName":"\(givenName)","familyName":"\(familyName)"},
     "emails":[{"primary":true,"value":"\(email)","type":"work"}],"displayName":"\(givenName) \(familyName)","locale":"en-US",
     "externalId":"00u-\(email)","groups":[],"password":"1mz050nq","active":\(active)}
    """
  }
}
