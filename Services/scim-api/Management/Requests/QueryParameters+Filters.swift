import EdgeHTTP
import Foundation
import Models

extension QueryParameters {
  /// Checks that the route knows every parameter: a misspelt filter would return everything.
  ///
  /// - Throws: 400 that lists the known parameters; 400 if a value contains U+0000.
  func check(_ known: [String]) throws {
    try checkText()
    for name in names.subtracting(known.map { $0.lowercased() }).sorted() {
      throw ProblemDetails.invalidParameter(
        name, "There is no parameter '\(name.prefix(50))'. \(known.isEmpty ? "Leave it out." : "Use \(known.joined(separator: ", ")).")")
    }
  }

  /// The value of `name` as one of the values of an enum; nil if it is missing.
  ///
  /// - Throws: 400 that lists the values.
  func choice<Value: RawRepresentable & CaseIterable>(_ name: String, _: Value.Type = Value.self) throws -> Value?
  where Value.RawValue == String {
    guard let text = self[name] else { return nil }
    guard let value = Value(rawValue: text) else {
      let known = Value.allCases.map(\.rawValue).joined(separator: ", ")
      throw ProblemDetails.invalidParameter(name, "\(name) is '\(text.prefix(50))'; expected one of \(known).")
    }
    return value
  }

  /// The value of `name` as a boolean; nil if it is missing.
  ///
  /// - Throws: 400 if the value is neither `true` nor `false`.
  func flag(_ name: String) throws -> Bool? {
    switch self[name] {
    case nil: return nil
    case "false"?: return false
    case "true"?: return true
    case let text?: throw ProblemDetails.invalidParameter(name, "\(name) is '\(text.prefix(50))'; expected true or false.")
    }
  }

  /// The value of `name` as a time in RFC 3339; nil if it is missing.
  ///
  /// - Throws: 400 if the value is not a time.
  func time(_ name: String) throws -> Date? {
    guard let text = self[name] else { return nil }
    guard let time = Timestamp.date(text) else {
      throw ProblemDetails.invalidParameter(name, "\(name) is '\(text.prefix(50))'; expected a time such as 2026-01-31T08:00:00Z.")
    }
    return time
  }

  /// The value of `name` as an id; nil if it is missing.
  ///
  /// - Throws: 400 if the value is not an id.
  func id<Subject>(_ name: String, _: Identifier<Subject>.Type = Identifier<Subject>.self) throws -> Identifier<Subject>? {
    guard let text = self[name] else { return nil }
    guard let id = Identifier<Subject>(text) else {
      throw ProblemDetails.invalidParameter(name, "\(name) is '\(text.prefix(50))'; expected an id.")
    }
    return id
  }

  /// The value of `name`, for a search; nil if it is missing.
  ///
  /// - Throws: 400 if the text is longer than `maximum` characters.
  func search(_ name: String, maximum: Int = 200) throws -> String? {
    guard let text = self[name] else { return nil }
    guard text.count <= maximum else {
      throw ProblemDetails.invalidParameter(name, "\(name) has \(text.count) characters; at most \(maximum) are allowed.")
    }
    return text
  }
}
