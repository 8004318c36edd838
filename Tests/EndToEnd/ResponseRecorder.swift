import Foundation
import Synchronization

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
  /// The number of responses that are recorded for each route and status. Tests under load get many thousands that are alike.
  private static let maximumOfKind = 500

  /// The file, opened for appending; nil without one. Lines of concurrent tests do not mix, since each is a single write.
  private static let file: Int32? = {
    guard let path = ProcessInfo.processInfo.environment["ROLLCALL_RECORDED_RESPONSES"], !path.isEmpty else { return nil }
    let file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
    precondition(file >= 0, "\(path) cannot be opened: \(errno)")
    return file
  }()

  private static let counts = Mutex<[String: Int]>([:])

  /// Records the response to a request, unless it is from the console, a health check or another server.
  static func record(_ method: String, _ url: URL, _ response: HTTPResponse) throws {
    guard let file, let path = URLComponents(url: url, resolvingAgainstBaseURL: false)?.percentEncodedPath,
      path.hasPrefix("/api/") || path.hasPrefix("/.well-known/"), isWanted("\(method) \(response.status) \(pattern(of: path))")
    else { return }
    let body = response.body.count <= maximumBody ? Data(response.body) : nil
    let line = Line(method: method, path: path, status: response.status, headers: response.headers, body: body)
    var text = try JSONEncoder().encode(line)
    text.append(UInt8(ascii: "\n"))
    let written = text.withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
    guard written == text.count else { throw CocoaError(.fileWriteUnknown) }
  }

  /// Counts a response, and returns whether there are few of its kind.
  private static func isWanted(_ kind: String) -> Bool {
    counts.withLock { counts in
      counts[kind, default: 0] += 1
      return counts[kind, default: 0] <= maximumOfKind
    }
  }

  /// The path with `*` in place of ids and slugs, which have digits after the version of the API.
  private static func pattern(of path: String) -> String {
    let segments = path.split(separator: "/").map { segment in
      segment != "v2" && segment.contains(where: \.isNumber) ? "*" : String(segment)
    }
    return segments.joined(separator: "/")
  }
}
