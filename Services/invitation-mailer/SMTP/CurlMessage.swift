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
    let body = NetworkText(text)
    let code = body.bytes.withUnsafeBytes { bytes in
      curl_mime_data(part, bytes.assumingMemoryBound(to: CChar.self).baseAddress, bytes.count)
    }
    try CurlError.check(code)
    try CurlError.check(curl_mime_type(part, type))
    try CurlError.check(curl_mime_encoder(part, body.isMostlyASCII ? "quoted-printable" : "base64"))
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

/// A text with CRLF line endings: quoted-printable would encode a lone LF as a character.
private struct NetworkText {
  let bytes: [UInt8]
  /// Whether quoted-printable, with three octets per non-ASCII octet, is shorter than base64.
  let isMostlyASCII: Bool

  init(_ text: String) {
    var text = text
    (bytes, isMostlyASCII) = text.withUTF8 { source in
      let lines = source.count { $0 == 0x0A }
      var nonASCII = 0
      let bytes = [UInt8](unsafeUninitializedCapacity: source.count + lines) { target, count in
        for byte in source where byte != 0x0D {
          if byte == 0x0A {
            target.initializeElement(at: count, to: 0x0D)
            count += 1
          }
          target.initializeElement(at: count, to: byte)
          count += 1
          nonASCII += Int(byte >> 7)
        }
      }
      return (bytes, nonASCII * 6 < source.count)
    }
  }
}
