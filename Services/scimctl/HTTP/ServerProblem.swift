import Foundation
import Models

/// An error response of a server: problem details (RFC 9457).
struct ServerProblem: Error, Sendable, Equatable {
  /// One error among several.
  struct Item: Sendable, Equatable, Decodable {
    /// A JSON pointer into the body.
    var pointer: String?
    /// A line of the body, from 1.
    var line: Int?
    /// A query parameter.
    var parameter: String?
    /// What is wrong, and what is expected.
    var detail: String
  }

  /// The HTTP status.
  var status: Int
  /// The last part of the type, such as `unknown-workspace`; nil if the status says it all.
  var kind: String?
  /// What to do; nil if the response has no problem details.
  var detail: String?
  /// The individual errors.
  var errors: [Item] = []

  private struct Body: Decodable {
    var type: String?
    var detail: String?
    var errors: [Item]?
  }

  private static let typePrefix = "urn:rollcall:problem:"

  /// A response with an error status.
  init(status: Int, body: [UInt8]) {
    self.status = status
    do {
      let body: Body = try JSONData.decode(from: body, type: "problem details")
      if let type = body.type, type.hasPrefix(Self.typePrefix) { kind = String(type.dropFirst(Self.typePrefix.count)) }
      detail = body.detail
      errors = body.errors ?? []
    } catch {
      // Something in front of the server has answered, or it is another server.
      detail = nil
    }
  }
}

extension ScimctlError {
  /// The most individual errors in one message.
  private static let maximumItems = 20

  /// The error for the operator.
  ///
  /// - Parameter site: The scheme and host of the server.
  init(_ problem: ServerProblem, from site: String) {
    guard let detail = problem.detail else {
      let message = "\(site) answered with status \(problem.status) and no explanation. Is it the URL of a Rollcall server?"
      self.init(problem.status >= 500 || problem.status == 429 ? .unavailable : .configuration, message)
      return
    }
    self.init(Self.status(of: problem), Self.text(detail, problem.errors))
  }

  private static func status(of problem: ServerProblem) -> Status {
    switch (problem.status, problem.kind) {
    case (_, "domain-not-verified"), (_, "rebuild-running"): .temporary
    case (401, _), (403, _): .permissionDenied
    case (404, _), (410, _): .notFound
    case (409, _): .alreadyExists
    case (412, _), (429, _), (503, _): .temporary
    case (502, _), (504, _): .unavailable
    case (400..<500, _): .rejected
    default: .internal
    }
  }

  /// The detail, and the individual errors unless it repeats the only one.
  private static func text(_ detail: String, _ errors: [ServerProblem.Item]) -> String {
    let items = errors.filter { $0.detail != detail || $0.line != nil }
    guard !items.isEmpty else { return detail }
    let listed = items.prefix(maximumItems).map { item in
      if let line = item.line { return "line \(line): \(item.detail)" }
      return item.detail
    }
    let more = items.count > maximumItems ? ["and \(items.count - maximumItems) more"] : []
    return ([detail] + listed + more).joined(separator: "\n")
  }
}
