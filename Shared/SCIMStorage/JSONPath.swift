import Foundation
import SCIM

/// A PostgreSQL `jsonpath` to all values of an attribute, including the elements of arrays.
package struct JSONPath {
  /// The text of the path.
  package let text: String

  init(_ names: [String]) {
    text = "$" + names.map { ".\(Self.quoted($0))[*]" }.joined()
  }

  /// Creates the path to all values of an attribute.
  package init(_ attribute: FilterAttribute) {
    self.init([attribute.schemaExtension, attribute.definition.name, attribute.subAttribute?.name].compactMap { $0 })
  }

  /// Creates the path to the primary value of an attribute.
  package init(primaryOf attribute: FilterAttribute) {
    let names = [attribute.schemaExtension, attribute.definition.name].compactMap { $0 }
    text = JSONPath(names).text + " ? (@.\"primary\" == true)" + (attribute.subAttribute.map { ".\(Self.quoted($0.name))" } ?? "")
  }

  private static func quoted(_ name: String) -> String {
    String(decoding: JSON.string(name).serialized(), as: UTF8.self)
  }
}

extension Instant {
  /// The instant as a date; exact to the microsecond for a few centuries around the present.
  package var date: Date {
    let (seconds, fraction) = microseconds.quotientAndRemainder(dividingBy: 1_000_000)
    return Date(timeIntervalSinceReferenceDate: Double(seconds - 978_307_200) + Double(fraction) / 1_000_000)
  }
}
