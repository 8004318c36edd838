import CCurl
import MailTemplates

/// A mail as libcurl's MIME API builds it: `multipart/alternative` of text and HTML, encoded, bounded and headed by libcurl.
final class CurlMessage {
  private let mime: OpaquePointer
  private let headers = CurlList()

  init(_ letter: EmailMessage, on curl: UnsafeMutableRawPointer) throws(CurlError) {
    guard let mime = curl_mime_init(curl) else { throw CurlError(code: CURLE_OUT_OF_MEMORY) }
    self.mime = mime
    for header in letter.headers { try headers.append(header.line) }
    // libcurl takes the type of the whole from here, and adds the boundary.
    try headers.append("Content-Type: multipart/alternative")
    try add(letter.text, type: "text/plain; charset=utf-8")
    try add(letter.html, type: "text/html; charset=utf-8")
  }

  deinit {
    curl_mime_free(mime)
  }

  func attach(to curl: UnsafeMutableRawPointer) throws(CurlError) {
    try CurlError.check(rollcall_curl_set_list(curl, CURLOPT_HTTPHEADER, headers.head))
    try CurlError.check(rollcall_curl_set_mime(curl, mime))
  }

  /// Has to come before the message is freed.
  func detach(from curl: UnsafeMutableRawPointer) throws(CurlError) {
    try CurlError.check(rollcall_curl_set_mime(curl, nil))
    try CurlError.check(rollcall_curl_set_list(curl, CURLOPT_HTTPHEADER, nil))
  }

  private func add(_ text: String, type: String) throws(CurlError) {
    guard let part = curl_mime_addpart(mime) else { throw CurlError(code: CURLE_OUT_OF_MEMORY) }
    var body = text.withNetworkLineEndings
    let code = body.withUTF8 { bytes in
      bytes.withMemoryRebound(to: CChar.self) { curl_mime_data(part, $0.baseAddress, $0.count) }
    }
    try CurlError.check(code)
    try CurlError.check(curl_mime_type(part, type))
    try CurlError.check(curl_mime_encoder(part, text.mostlyASCII ? "quoted-printable" : "base64"))
  }
}

/// A list of strings as libcurl keeps them.
final class CurlList {
  private(set) var head: UnsafeMutablePointer<curl_slist>?

  func append(_ text: String) throws(CurlError) {
    guard let longer = curl_slist_append(head, text) else { throw CurlError(code: CURLE_OUT_OF_MEMORY) }
    head = longer
  }

  deinit {
    curl_slist_free_all(head)
  }
}

extension String {
  /// With every line ended by CRLF: quoted-printable would encode a lone LF as a character.
  fileprivate var withNetworkLineEndings: String {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(utf8.count + utf8.count / 32)
    for byte in utf8 where byte != 0x0D {
      if byte == 0x0A { bytes.append(0x0D) }
      bytes.append(byte)
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Whether quoted-printable, at three octets for one, is the shorter encoding and stays legible.
  fileprivate var mostlyASCII: Bool {
    utf8.count { $0 >= 0x80 } * 6 < utf8.count
  }
}
