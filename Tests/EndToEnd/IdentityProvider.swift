import Foundation

/// A SCIM client with a base URL and a token.
struct IdentityProvider: Sendable {
  let baseURL: String
  let token: String
  /// The value of the User-Agent header.
  var userAgent: String? = nil
  /// The value of the Host header; nil for the host of ``baseURL``.
  var host: String? = nil
  /// The value of the traceparent header.
  var traceparent: String? = nil

  /// Sends a request to a path below the base URL.
  func send(_ method: String, _ path: String, body: String? = nil, contentType: String = "application/scim+json") async throws
    -> HTTPResponse
  {
    var headers = ["Authorization": "Bearer \(token)", "Accept": "application/scim+json; charset=utf-8"]
    if body != nil { headers["Content-Type"] = contentType }
    headers["User-Agent"] = userAgent
    headers["Host"] = host
    headers["traceparent"] = traceparent
    return try await HTTP.send(method, baseURL + path, headers: headers, body: body)
  }

  /// Searches users by userName, as Okta does.
  func find(userName: String) async throws -> HTTPResponse {
    let filter = "userName eq \"\(userName)\"".addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
    return try await send("GET", "/Users?filter=\(filter)&startIndex=1&count=100")
  }

  /// The body of Okta's POST for a user.
  static func oktaUser(_ email: String, givenName: String = "Ana", familyName: String = "Silva", active: Bool = true) -> String {
    """
    {"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"\(email)",
     "name":{"givenName":"\(givenName)","familyName":"\(familyName)"},
     "emails":[{"primary":true,"value":"\(email)","type":"work"}],"displayName":"\(givenName) \(familyName)","locale":"en-US",
     "externalId":"00u-\(email)","groups":[],"password":"1mz050nq","active":\(active)}
    """
  }
}

extension IdentityProvider {
  /// Creates a user and returns the id.
  func create(_ email: String, givenName: String = "Ana") async throws -> String {
    let answer = try await send("POST", "/Users", body: Self.oktaUser(email, givenName: givenName))
    guard answer.status == 201, let id = answer.json["id"] as? String else {
      throw CommandRun.Failure(command: "POST /Users for \(email)", status: Int32(answer.status), output: answer.text)
    }
    return id
  }

  /// Deletes all users with a userName.
  func deleteUsers(named email: String) async throws {
    let found = try await find(userName: email)
    for user in found.json["Resources"] as? [[String: Any]] ?? [] {
      if let id = user["id"] as? String { _ = try await send("DELETE", "/Users/\(id)") }
    }
  }

  /// Creates a group and returns the id.
  func createGroup(_ name: String, members: [String]) async throws -> String {
    let values = members.map { #"{"value":"\#($0)"}"# }.joined(separator: ",")
    let answer = try await send(
      "POST", "/Groups",
      body: #"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"\#(name)","members":[\#(values)]}"#)
    guard answer.status == 201, let id = answer.json["id"] as? String else {
      throw CommandRun.Failure(command: "POST /Groups for \(name)", status: Int32(answer.status), output: answer.text)
    }
    return id
  }

  /// Enables or disables a user.
  func setActive(_ active: Bool, _ id: String) async throws {
    let answer = try await send(
      "PATCH", "/Users/\(id)",
      body: """
        {"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","value":{"active":\(active)}}]}
        """)
    guard [200, 204].contains(answer.status) else {
      throw CommandRun.Failure(command: "PATCH /Users/\(id)", status: Int32(answer.status), output: answer.text)
    }
  }
}
