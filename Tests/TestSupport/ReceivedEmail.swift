/// An email that a test server received, with unfolded and decoded headers and decoded parts.
public struct ReceivedEmail: Sendable, Decodable {
  /// The headers, in order.
  public var headers: [Header]
  /// The content type of the message, `multipart/alternative`.
  public var contentType: String
  /// The parts that have content.
  public var parts: [Part]
  /// The defects that Python's parser found.
  public var defects: [String]
  /// The raw source of the message.
  public var raw: String

  /// A header field.
  public struct Header: Sendable, Decodable {
    /// The name, in the sender's spelling.
    public var name: String
    /// The decoded value.
    public var value: String
  }

  /// A part that is not multipart itself.
  public struct Part: Sendable, Decodable {
    /// The content type, `text/plain`.
    public var contentType: String
    /// The content transfer encoding.
    public var encoding: String
    /// The decoded content.
    public var text: String
  }

  /// The value of the first header with this name.
  public subscript(name: String) -> String? {
    headers.first { $0.name.lowercased() == name.lowercased() }?.value
  }

  /// The plain text.
  public var text: String? { parts.first { $0.contentType == "text/plain" }?.text }
  /// The HTML.
  public var html: String? { parts.first { $0.contentType == "text/html" }?.text }
  /// The recipient of the envelope.
  public var recipient: String? { self["X-Catcher-To"] }
  /// The number of the SMTP connection.
  public var connection: String? { self["X-Catcher-Connection"] }

  /// A Python program that reads message files and prints JSON for this type.
  static let reader = """
    import email, email.policy, json, sys

    def caught(path):
        with open(path, "rb") as file:
            raw = file.read()
        mail = email.message_from_bytes(raw, policy=email.policy.default)
        parts = [part for part in mail.walk() if not part.is_multipart()]
        defects = list(mail.defects) + [d for part in parts for d in part.defects]
        defects += [d for value in mail.values() for d in getattr(value, "defects", ())]
        return {
            "headers": [{"name": name, "value": str(value)} for name, value in mail.items()],
            "contentType": mail.get_content_type(),
            "parts": [
                {
                    "contentType": part.get_content_type(),
                    "encoding": str(part["Content-Transfer-Encoding"]),
                    "text": part.get_content(),
                }
                for part in parts
            ],
            "defects": [repr(defect) for defect in defects],
            "raw": raw.decode("utf-8", "replace"),
        }

    print(json.dumps([caught(path) for path in sys.argv[1:]]))
    """
}
