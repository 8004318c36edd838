import HTTPTypes

/// What every answer tells a browser that gets at it: not to guess, keep, frame or run anything. Made once.
struct SecurityHeaders: Sendable {
  private let fields: [HTTPField]

  /// - Parameter isSecure: whether clients come by TLS, so that they can be told never to come without.
  init(isSecure: Bool) {
    var fields = [
      HTTPField(name: .xContentTypeOptions, value: "nosniff"),
      // Answers are about people, and differ from token to token.
      HTTPField(name: .cacheControl, value: "no-store"), HTTPField(name: .referrerPolicy, value: "no-referrer"),
      HTTPField(name: .contentSecurityPolicy, value: "default-src 'none'; frame-ancestors 'none'"),
    ]
    if isSecure { fields.append(HTTPField(name: .strictTransportSecurity, value: "max-age=31536000")) }
    self.fields = fields
  }

  /// Adds those that `headers` does not have.
  func add(to headers: inout HTTPFields) {
    for field in fields where !headers.contains(field.name) { headers.append(field) }
  }
}

extension HTTPField.Name {
  // The names of RFCs are HTTPTypes' own; this one is of the W3C, and a token all the same.
  /// `Referrer-Policy` (W3C).
  package static let referrerPolicy: HTTPField.Name = name("Referrer-Policy")

  private static func name(_ text: String) -> HTTPField.Name {
    guard let name = HTTPField.Name(text) else { preconditionFailure("'\(text)' is no field's name") }
    return name
  }
}
