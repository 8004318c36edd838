import CCurl
import MailTemplates

/// Owns a libcurl MIME message: `multipart/alternative` with text and HTML. libcurl adds encodings, boundaries and part headers.
final class CurlMessage {
  private let mime: OpaquePointer
  private let headers = CurlList()

  init(_ message: EmailMessage, on curl: UnsafeMutableRawPointer) throws(CurlError) {
    guard let mime = curl_mime_init(curl) else { throw CurlError(code: CURLE_OUT_OF_MEMORY) }
    self.mime = mime
    for header in message.headers { try headers.append(header.line) }
    // libcurl adds the boundary to this header.
    try headers.append("Content-Type: multipart/alternative")
    try add(message.text, type: "text/plain; charset=utf-8")
    try add(message.html, type: "text/html; charset=utf-8")
  }

  deinit {
    curl_mime_free(mime)
  }

  /// Sets the message as the one that `curl` sends next.
  func attach(to curl: UnsafeMutableRawPointer) throws(CurlError) {
    try CurlError.check(rollcall_curl_set_list(curl, CURLOPT_HTTPHEADER, headers.head))
    try CurlError.check(rollcall_curl_set_mime(curl, mime))
  }

  /// Removes the message from `curl`. Must be called before the message is freed.
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

/// Owns a `curl_slist`, libcurl's list of strings.
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
  /// The text with CRLF line endings: quoted-printable would encode a lone LF as a character.
  fileprivate var withNetworkLineEndings: String {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(utf8.count + utf8.count / 32)
    for byte in utf8 where byte != 0x0D {
      if byte == 0x0A { bytes.append(0x0D) }
      bytes.append(byte)
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Whether quoted-printable, with three octets per non-ASCII octet, is shorter than base64.
  fileprivate var mostlyASCII: Bool {
    utf8.count { $0 >= 0x80 } * 6 < utf8.count
  }
}
