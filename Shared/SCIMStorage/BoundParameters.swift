import Postgres

/// The values of a statement's parameters, in the order of their numbers.
package struct BoundParameters {
  package private(set) var values: [PostgresValue]

  package init(_ values: [PostgresValue] = []) { self.values = values }

  /// Adds a value and returns what stands for it in the statement.
  package mutating func bind(_ value: PostgresValue) -> String {
    values.append(value)
    return "$\(values.count)"
  }
}
