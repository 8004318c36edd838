import Foundation
import Testing

/// A browser of a signed-in admin. Follows redirects and submits forms with the hidden fields of the page.
actor ConsoleAdmin {
  /// The page after redirects.
  struct Page: Sendable {
    var status: Int
    /// The path and query.
    var path: String
    var text: String

    func contains(_ words: String) -> Bool { text.contains(words) }

    /// The value of a hidden field.
    func hidden(_ name: String) -> String? {
      guard let start = text.range(of: "name=\"\(name)\" value=\"")?.upperBound else { return nil }
      return String(text[start...].prefix { $0 != "\"" })
    }
  }

  private var browser: ConsoleBrowser
  /// The current page.
  private var page: Page?

  private static let maximumRedirects = 5

  private init(_ browser: ConsoleBrowser) { self.browser = browser }

  /// Signs in with a new token named `console`.
  static func signedIn(to workspace: Workspace) async throws -> ConsoleAdmin {
    ConsoleAdmin(try await workspace.admin(named: "console"))
  }

  /// Opens a page.
  @discardableResult
  func open(_ path: String) async throws -> Page { try await show(path) { try await $0.open($1) } }

  /// Submits a form.
  ///
  /// - Parameters:
  ///   - page: the page with the form; nil for the current page.
  ///   - token: the form token; nil for the one of the page.
  @discardableResult
  func submit(_ path: String, _ fields: [String: String] = [:], of page: Page? = nil, token: String? = nil) async throws -> Page {
    let source = page ?? self.page
    var all = fields
    all["formToken"] = token ?? source?.hidden("formToken")
    if let version = source?.hidden("version") { all["version"] = version }
    let sent = all.map { ($0.key, $0.value) }
    return try await show(path) { try await $0.submit($1, sent) }
  }

  /// Opens the page at `path` and submits its form with the given action.
  func press(_ action: String, on path: String) async throws -> Page {
    let page = try await open(path)
    try #require(page.contains("action=\"\(action)\""), "\(page.text)")
    return try await submit(action)
  }

  private func show(_ path: String, _ send: (inout ConsoleBrowser, String) async throws -> HTTPResponse) async throws -> Page {
    var browser = browser
    var path = path
    var answer = try await send(&browser, path)
    for _ in 0..<Self.maximumRedirects {
      guard (300..<400).contains(answer.status), let location = answer.headers["location"] else { break }
      path = location
      answer = try await browser.open(path)
    }
    self.browser = browser
    let shown = Page(status: answer.status, path: path, text: answer.text)
    page = shown
    return shown
  }
}
