import Foundation
import SCIM

/// A path of PostgreSQL's `jsonpath` to all values of an attribute; arrays are gone through wherever they are.
package struct JSONPath {
  package let text: String

  init(_ names: [String]) {
    text = "$" + names.map { ".\(Self.quoted($0))[*]" }.joined()
  }

  package init(_ attribute: FilterAttribute) {
    self.init([attribute.schemaExtension, attribute.definition.name, attribute.subAttribute?.name].compactMap { $0 })
  }

  /// To the value of the primary one of the attribute's values.
  package init(primaryOf attribute: FilterAttribute) {
    let names = [attribute.schemaExtension, attribute.definition.name].compactMap { $0 }
    text = JSONPath(names).text + " ? (@.\"primary\" == true)" + (attribute.subAttribute.map { ".\(Self.quoted($0.name))" } ?? "")
  }

  private static func quoted(_ name: String) -> String {
    String(decoding: JSON.string(name).serialized(), as: UTF8.self)
  }
}

extension Instant {
  /// The same as a date, exact to the microsecond for dates of some centuries around now.
  package var date: Date {
    let (seconds, fraction) = microseconds.quotientAndRemainder(dividingBy: 1_000_000)
    return Date(timeIntervalSinceReferenceDate: Double(seconds - 978_307_200) + Double(fraction) / 1_000_000)
  }
}
