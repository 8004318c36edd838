/// A mail as its reader sees it: headers unfolded and decoded, parts decoded.
public struct CaughtMail: Sendable, Decodable {
  public var headers: [Header]
  public var contentType: String
  public var parts: [Part]
  /// What Python's parser found wrong with it.
  public var defects: [String]
  /// As it came over the wire.
  public var raw: String

  public struct Header: Sendable, Decodable {
    public var name: String
    public var value: String
  }

  public struct Part: Sendable, Decodable {
    public var contentType: String
    public var encoding: String
    public var text: String
  }

  /// The value of the first header of that name.
  public subscript(name: String) -> String? {
    headers.first { $0.name.lowercased() == name.lowercased() }?.value
  }

  public var text: String? { parts.first { $0.contentType == "text/plain" }?.text }
  public var html: String? { parts.first { $0.contentType == "text/html" }?.text }
  /// The address of the envelope.
  public var recipient: String? { self["X-Catcher-To"] }
  /// Which of the catcher's connections it came by.
  public var connection: String? { self["X-Catcher-Connection"] }

  /// Python: reads the files given as arguments and prints what this type decodes.
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
