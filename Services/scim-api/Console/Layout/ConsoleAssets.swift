import Crypto
import EdgeHTTP
import EdgeReads
import HTTPTypes
import Hummingbird
import NIOCore

/// The console's style sheet and script, at paths that change with what is in them.
struct ConsoleAssets: Sendable {
  struct Asset: Sendable {
    let path: String
    let type: String
    let bytes: [UInt8]

    init(_ name: String, _ ending: String, type: String, _ bytes: [UInt8]) {
      let digest = SHA256.hash(data: bytes).prefix(6).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
      path = "\(Console.path)/assets/\(name)-\(digest).\(ending)"
      self.type = type
      self.bytes = bytes
    }
  }

  static let style = Asset("console", "css", type: "text/css; charset=utf-8", PackageResources.console_css)
  static let script = Asset("console", "js", type: "text/javascript; charset=utf-8", PackageResources.console_js)

  var all: [OpenEndpoint] {
    [Self.style, Self.script].map { asset in
      OpenEndpoint(.get, asset.path, isPublic: true) { _, _ in
        Response(
          status: .ok, headers: [.contentType: asset.type, .cacheControl: "public, max-age=31536000, immutable"],
          body: ResponseBody(byteBuffer: ByteBuffer(bytes: asset.bytes)))
      }
    }
  }
}
