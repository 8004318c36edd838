import Foundation
import FoundationNetworking
import Models

/// A browser at the console: it keeps cookies, follows redirects, and sends forms with the token of the page that they are on.
actor ConsoleBrowser {
  /// What is shown, once redirects are followed.
  struct Page: Sendable {
    var status: Int
    /// Path and query.
    var path: String
    var html: String

    func contains(_ text: String) -> Bool { html.contains(text) }
  }

  /// Without a path.
  private let site: String
  private var cookies: [String: String] = [:]
  private var formToken: String?
  private let session: URLSession = {
    let configuration = URLSessionConfiguration.ephemeral
    // Its own jar would be sent in place of this one.
    configuration.httpCookieStorage = nil
    configuration.httpShouldSetCookies = false
    configuration.httpCookieAcceptPolicy = .never
    return URLSession(configuration: configuration, delegate: NoRedirects(), delegateQueue: nil)
  }()

  private static let mostRedirects = 5

  init(suite: Suite) {
    site = suite.scimURL.replacingOccurrences(of: "/api/v2/scim", with: "")
  }

  /// A browser in which an admin of `workspace` has signed in.
  static func signedIn(to workspace: Workspace) async throws -> ConsoleBrowser {
    let printed = try await workspace.scimctl(["token", "issue", "--name", "console", "--scope", "admin"])
    guard let token = printed.split(whereSeparator: \.isWhitespace).map(String.init).first(where: { AccessToken($0) != nil }) else {
      throw CommandRun.Failure(command: "token issue", status: 0, output: printed)
    }
    let browser = ConsoleBrowser(suite: workspace.suite)
    await browser.keep("rollcall_session", token)
    return browser
  }

  /// Opens a page.
  @discardableResult
  func open(_ path: String) async throws -> Page { try await send("GET", path, form: nil) }

  /// Sends a form that is on the page that is open.
  ///
  /// - Parameter token: nil for that of the page.
  @discardableResult
  func submit(_ path: String, _ fields: [String: String] = [:], token: String? = nil) async throws -> Page {
    try await send("POST", path, form: fields.merging(["formToken": token ?? formToken ?? ""]) { own, _ in own })
  }

  func keep(_ cookie: String, _ value: String) { cookies[cookie] = value }

  private func send(_ method: String, _ path: String, form: [String: String]?) async throws -> Page {
    var (method, path, form) = (method, path, form)
    for _ in 0..<Self.mostRedirects {
      guard let url = URL(string: site + path) else { throw URLError(.badURL) }
      var request = URLRequest(url: url)
      request.httpMethod = method
      request.httpShouldHandleCookies = false
      request.setValue(cookies.map { "\($0)=\($1)" }.joined(separator: "; "), forHTTPHeaderField: "Cookie")
      if let form {
        request.setValue("application/x-www-form-urlencoded", forHTTPHeaderField: "Content-Type")
        request.setValue(site, forHTTPHeaderField: "Origin")
        request.httpBody = Data(
          form.map { "\($0)=\($1.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? "")" }.joined(separator: "&").utf8)
      }
      let (data, response) = try await session.data(for: request)
      guard let response = response as? HTTPURLResponse else { throw URLError(.badServerResponse) }
      take(response, of: url)
      guard (300..<400).contains(response.statusCode), let location = response.value(forHTTPHeaderField: "Location") else {
        let html = String(decoding: data, as: UTF8.self)
        formToken = html.firstMatch(of: /name="formToken" value="([^"]*)"/).map { String($0.1) } ?? formToken
        return Page(status: response.statusCode, path: path, html: html)
      }
      (method, path, form) = ("GET", location.replacingOccurrences(of: site, with: ""), nil)
    }
    throw URLError(.httpTooManyRedirects)
  }

  private func take(_ response: HTTPURLResponse, of url: URL) {
    var headers: [String: String] = [:]
    for case (let name as String, let value as String) in response.allHeaderFields { headers[name] = value }
    for cookie in HTTPCookie.cookies(withResponseHeaderFields: headers, for: url) {
      cookies[cookie.name] = cookie.value.isEmpty ? nil : cookie.value
    }
  }
}

/// The browser follows redirects itself, with the cookies that they set.
private final class NoRedirects: NSObject, URLSessionTaskDelegate {
  func urlSession(
    _ session: URLSession, task: URLSessionTask, willPerformHTTPRedirection response: HTTPURLResponse, newRequest request: URLRequest,
    completionHandler: @escaping @Sendable (URLRequest?) -> Void
  ) {
    completionHandler(nil)
  }
}
