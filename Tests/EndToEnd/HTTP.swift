import Foundation
import FoundationNetworking

/// The response of a server.
struct HTTPResponse: Sendable {
  var status: Int
  /// Header values by lower-case names.
  var headers: [String: String]
  var body: [UInt8]

  var text: String { String(decoding: body, as: UTF8.self) }

  /// The body as a JSON object; empty if it is not an object.
  var json: [String: Any] {
    (try? JSONSerialization.jsonObject(with: Data(body))) as? [String: Any] ?? [:]
  }
}

/// An HTTP client with a timeout of a minute, as identity providers have.
enum HTTP {
  private static let session: URLSession = {
    let configuration = URLSessionConfiguration.ephemeral
    configuration.timeoutIntervalForRequest = 60
    configuration.httpMaximumConnectionsPerHost = 64
    return URLSession(configuration: configuration)
  }()

  /// Sends a request and returns the response, whatever its status.
  static func send(_ method: String, _ url: String, headers: [String: String] = [:], body: String? = nil) async throws -> HTTPResponse {
    guard let address = URL(string: url) else { throw URLError(.badURL) }
    var request = URLRequest(url: address)
    request.httpMethod = method
    for (name, value) in headers { request.setValue(value, forHTTPHeaderField: name) }
    request.httpBody = body.map { Data($0.utf8) }
    let (data, response) = try await session.data(for: request)
    guard let response = response as? HTTPURLResponse else { throw URLError(.badServerResponse) }
    var received: [String: String] = [:]
    for case (let name as String, let value as String) in response.allHeaderFields { received[name.lowercased()] = value }
    let answer = HTTPResponse(status: response.statusCode, headers: received, body: [UInt8](data))
    try ResponseRecorder.record(method, address, answer)
    return answer
  }

  /// The status of a GET request; nil if there is no response.
  static func status(of url: String) async -> Int? {
    try? await send("GET", url).status
  }
}
