import Crypto
import EdgeHTTP
import EdgeReads
import HTTPTypes
import Hummingbird
import NIOCore
import Primitives

/// The style sheet and the script of the console. Their paths contain a hash of their content, so that they can be cached forever.
struct ConsoleAssets: Sendable {
  /// A static file.
  struct Asset: Sendable {
    let path: String
    /// The value of `Content-Type`.
    let type: String
    let bytes: [UInt8]

    init(_ name: String, _ fileExtension: String, type: String, _ bytes: [UInt8]) {
      let digest = Hex.encode(SHA256.hash(data: bytes).prefix(6))
      path = "\(ConsolePath.root)/assets/\(name)-\(digest).\(fileExtension)"
      self.type = type
      self.bytes = bytes
    }
  }

  static let style = Asset("console", "css", type: "text/css; charset=utf-8", PackageResources.console_css)
  static let script = Asset("console", "js", type: "text/javascript; charset=utf-8", PackageResources.console_js)
  static let all = [style, script]

  /// Adds a route for each file. They need no session.
  func addRoutes(to router: Router<EdgeContext>) {
    for asset in Self.all {
      for method in [HTTPRequest.Method.get, .head] {
        router.on(RouterPath(asset.path), method: method) { _, _ in
          Response(
            status: .ok, headers: [.contentType: asset.type, .cacheControl: "public, max-age=31536000, immutable"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: asset.bytes)))
        }
      }
    }
  }
}
