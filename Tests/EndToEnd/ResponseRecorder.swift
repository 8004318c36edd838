import Foundation

/// Records the responses of scim-api in a file, which `ops/local/check-responses.py` compares with the OpenAPI document.
///
/// The variable `ROLLCALL_RECORDED_RESPONSES` names the file; without it, nothing is recorded.
enum ResponseRecorder {
  /// A response, as a line of JSON.
  private struct Line: Encodable {
    var method: String
    var path: String
    var status: Int
    var headers: [String: String]
    /// nil if the body is too large.
    var body: Data?
  }

  /// The largest body that is recorded, in bytes.
  private static let maximumBody = 1 << 20

  /// The file, opened for appending; nil without one. Lines of concurrent tests do not mix, since each is a single write.
  private static let file: Int32? = {
    guard let path = ProcessInfo.processInfo.environment["ROLLCALL_RECORDED_RESPONSES"], !path.isEmpty else { return nil }
    let file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
    precondition(file >= 0, "\(path) cannot be opened: \(errno)")
    return file
  }()

  /// Records the response to a request, unless it is from the console, a health check or another server.
  static func record(_ method: String, _ url: URL, _ response: HTTPResponse) throws {
    guard let file, let path = URLComponents(url: url, resolvingAgainstBaseURL: false)?.percentEncodedPath,
      path.hasPrefix("/api/") || path.hasPrefix("/.well-known/")
    else { return }
    let body = response.body.count <= maximumBody ? Data(response.body) : nil
    let line = Line(method: method, path: path, status: response.status, headers: response.headers, body: body)
    let text = try JSONEncoder().encode(line) + Data("\n".utf8)
    let written = text.withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
    guard written == text.count else { throw CocoaError(.fileWriteUnknown) }
  }
}
