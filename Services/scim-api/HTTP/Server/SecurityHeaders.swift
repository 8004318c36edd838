import HTTPTypes

/// The security headers of every response: browsers must not sniff, store, frame or execute it.
struct SecurityHeaders: Sendable {
  private let fields: [HTTPField]

  /// - Parameter isSecure: whether clients connect with TLS; adds `Strict-Transport-Security`.
  init(isSecure: Bool) {
    var fields = [
      HTTPField(name: .xContentTypeOptions, value: "nosniff"),
      // Responses contain personal data and depend on the token.
      HTTPField(name: .cacheControl, value: "no-store"), HTTPField(name: .referrerPolicy, value: "no-referrer"),
      HTTPField(name: .contentSecurityPolicy, value: "default-src 'none'; frame-ancestors 'none'"),
    ]
    if isSecure { fields.append(HTTPField(name: .strictTransportSecurity, value: "max-age=31536000")) }
    self.fields = fields
  }

  /// Adds the headers that `headers` does not contain.
  func add(to headers: inout HTTPFields) {
    for field in fields where !headers.contains(field.name) { headers.append(field) }
  }
}

extension HTTPField.Name {
  // HTTPTypes defines only the names of RFCs.
  /// `Referrer-Policy` (W3C).
  package static let referrerPolicy: HTTPField.Name = name("Referrer-Policy")

  private static func name(_ text: String) -> HTTPField.Name {
    guard let name = HTTPField.Name(text) else { preconditionFailure("'\(text)' is not a valid header field name") }
    return name
  }
}
