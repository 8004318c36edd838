import Foundation
import FoundationNetworking

/// The response to a GET request.
struct HTTP {
  var status: Int
  var type: String?
  var text: String

  static func fetch(_ url: String) async throws -> HTTP {
    guard let url = URL(string: url) else { throw URLError(.badURL) }
    let (data, response) = try await URLSession.shared.data(for: URLRequest(url: url))
    guard let response = response as? HTTPURLResponse else { throw URLError(.badServerResponse) }
    return HTTP(
      status: response.statusCode, type: response.value(forHTTPHeaderField: "Content-Type"), text: String(decoding: data, as: UTF8.self))
  }

  /// The problems in a response of `/readyz`.
  var problems: [String: String] {
    get throws {
      struct Readiness: Decodable {
        var ready: Bool
        var problems: [String: String]
      }
      let readiness = try JSONDecoder().decode(Readiness.self, from: Data(text.utf8))
      guard readiness.ready == readiness.problems.isEmpty else { throw CocoaError(.coderInvalidValue) }
      return readiness.problems
    }
  }
}
