import Foundation
import FoundationNetworking

/// A minimal browser for the console: keeps cookies, does not follow redirects, and runs no scripts.
struct ConsoleBrowser: Sendable {
  /// The origin: `http://127.0.0.1:8080`.
  let site: String
  var cookies: [String: String] = [:]
  var headers: [String: String] = [:]

  /// - Parameter scimURL: the SCIM base URL of an edge.
  init(at scimURL: String) {
    site = scimURL.replacingOccurrences(of: "/api/v2/scim", with: "")
  }

  static let sessionCookie = "rollcall_session"

  var session: String? { cookies[Self.sessionCookie] }

  /// Opens a page.
  mutating func open(_ path: String) async throws -> HTTPResponse { try await send("GET", path) }

  /// Submits a form, with the form token of the page at `page` if given.
  mutating func submit(
    _ path: String, _ fields: [(String, String)], from page: String? = nil, headers: [String: String] = [:]
  ) async throws -> HTTPResponse {
    var fields = fields
    if let page {
      let token = Self.formToken(in: try await open(page).text)
      fields.append(("formToken", token ?? ""))
    }
    let body = fields.map { "\($0)=\(Self.encoded($1))" }.joined(separator: "&")
    let own = ["Content-Type": "application/x-www-form-urlencoded", "Origin": site].merging(headers) { $1 }
    return try await send("POST", path, body: body, headers: own)
  }

  mutating func signIn(with token: String) async throws -> HTTPResponse { try await submit("/console/sign-in", [("token", token)]) }

  /// The form token of a page.
  static func formToken(in page: String) -> String? {
    page.firstMatch(of: /name="formToken" value="([^"]*)"/).map { String($0.1) }
  }

  static func encoded(_ text: String) -> String { text.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? "" }

  private mutating func send(_ method: String, _ path: String, body: String? = nil, headers: [String: String] = [:]) async throws
    -> HTTPResponse
  {
    var all = self.headers.merging(headers) { $1 }
    if !cookies.isEmpty { all["Cookie"] = cookies.map { "\($0)=\($1)" }.sorted().joined(separator: "; ") }
    let answer = try await Unredirected.send(method, site + path, headers: all, body: body)
    for cookie in Self.cookies(in: answer.headers["set-cookie"] ?? "") {
      cookies[cookie.name] = cookie.isCleared ? nil : cookie.value
    }
    return answer
  }

  /// Parses several cookies in one line. Their values contain no commas.
  private static func cookies(in field: String) -> [(name: String, value: String, isCleared: Bool)] {
    field.split(separator: ",").compactMap { text in
      let pair = text.prefix { $0 != ";" }.trimmingCharacters(in: .whitespaces)
        .split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      return pair.count == 2 ? (String(pair[0]), String(pair[1]), text.contains("Max-Age=0;")) : nil
    }
  }
}

/// An HTTP client that neither follows redirects nor stores cookies.
private final class Unredirected: NSObject, URLSessionTaskDelegate, Sendable {
  private static let session: URLSession = {
    let configuration = URLSessionConfiguration.ephemeral
    configuration.timeoutIntervalForRequest = 60
    configuration.httpShouldSetCookies = false
    configuration.httpCookieStorage = nil
    return URLSession(configuration: configuration, delegate: Unredirected(), delegateQueue: nil)
  }()

  func urlSession(
    _ session: URLSession, task: URLSessionTask, willPerformHTTPRedirection response: HTTPURLResponse, newRequest request: URLRequest,
    completionHandler: @escaping (URLRequest?) -> Void
  ) {
    completionHandler(nil)
  }

  static func send(_ method: String, _ url: String, headers: [String: String], body: String?) async throws -> HTTPResponse {
    guard let address = URL(string: url) else { throw URLError(.badURL) }
    var request = URLRequest(url: address)
    request.httpMethod = method
    for (name, value) in headers { request.setValue(value, forHTTPHeaderField: name) }
    request.httpBody = body.map { Data($0.utf8) }
    let (data, response) = try await session.data(for: request)
    guard let response = response as? HTTPURLResponse else { throw URLError(.badServerResponse) }
    var received: [String: String] = [:]
    for case (let name as String, let value as String) in response.allHeaderFields { received[name.lowercased()] = value }
    return HTTPResponse(status: response.statusCode, headers: received, body: [UInt8](data))
  }
}

extension Workspace {
  /// Issues a token with the scope admin.
  func adminToken(named name: String = "admin") async throws -> String {
    try await scimctl(["token", "issue", "--name", name, "--scope", "admin"]).trimmingCharacters(in: .whitespacesAndNewlines)
  }

  /// Signs in with a new token.
  func admin(named name: String = "admin") async throws -> ConsoleBrowser {
    var browser = ConsoleBrowser(at: identityProvider.baseURL)
    let answer = try await browser.signIn(with: try await adminToken(named: name))
    guard answer.status == 303, browser.session != nil else {
      throw CommandRun.Failure(command: "sign-in to the console", status: Int32(answer.status), output: answer.text)
    }
    return browser
  }
}
