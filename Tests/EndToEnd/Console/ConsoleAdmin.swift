import Foundation
import Testing

/// An admin who has signed in to the console: follows redirects, and sends forms with what is hidden in those of the page they are on.
actor ConsoleAdmin {
  /// What is shown, once redirects are followed.
  struct Page: Sendable {
    var status: Int
    /// Path and query.
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
  /// The page that is open.
  private var page: Page?

  private static let mostRedirects = 5

  private init(_ browser: ConsoleBrowser) { self.browser = browser }

  /// Somebody with a token that is called `console`.
  static func signedIn(to workspace: Workspace) async throws -> ConsoleAdmin {
    ConsoleAdmin(try await workspace.admin(named: "console"))
  }

  /// Opens a page.
  @discardableResult
  func open(_ path: String) async throws -> Page { try await show(path) { try await $0.open($1) } }

  /// Sends a form.
  ///
  /// - Parameters:
  ///   - page: that the form is on; nil for the one that is open.
  ///   - token: nil for that of the page.
  @discardableResult
  func submit(_ path: String, _ fields: [String: String] = [:], of page: Page? = nil, token: String? = nil) async throws -> Page {
    let source = page ?? self.page
    var all = fields
    all["formToken"] = token ?? source?.hidden("formToken")
    if let version = source?.hidden("version") { all["version"] = version }
    let sent = all.map { ($0.key, $0.value) }
    return try await show(path) { try await $0.submit($1, sent) }
  }

  /// Presses the button of the form that goes to `action`, on the page at `path`.
  func press(_ action: String, on path: String) async throws -> Page {
    let page = try await open(path)
    try #require(page.contains("action=\"\(action)\""), "\(page.text)")
    return try await submit(action)
  }

  private func show(_ path: String, _ ask: (inout ConsoleBrowser, String) async throws -> HTTPResponse) async throws -> Page {
    var browser = browser
    var path = path
    var answer = try await ask(&browser, path)
    for _ in 0..<Self.mostRedirects {
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
