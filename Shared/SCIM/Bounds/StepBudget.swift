/// Limits the CPU time of a PATCH request.
///
/// An operation examines every value of the attribute that it changes, so the work is the product of operations and values. A step is
/// about the work of comparing two short texts. Requests of identity providers take a few hundred steps; the maximum takes a fraction
/// of a second.
public struct StepBudget: Sendable, Hashable {
  /// The maximum number of steps of a request.
  public static let maximum = 400_000
  /// The bytes of text whose comparison or copy counts as one step.
  static let bytesPerStep = 64

  /// The remaining steps.
  public private(set) var remaining: Int

  /// Creates a budget.
  public init(_ steps: Int = StepBudget.maximum) { remaining = steps }

  /// Subtracts `steps`; call it before the work.
  ///
  /// - Throws: `tooMany` with the limit if fewer steps remain. The same request always fails in the same way.
  mutating func spend(_ steps: Int) throws(SCIMError) {
    guard steps <= remaining else { throw .tooManySteps() }
    remaining -= steps
  }
}

extension SCIMError {
  /// The error of a request that exceeds its budget.
  static func tooManySteps() -> SCIMError {
    .badRequest(
      .tooMany,
      """
      The request takes too much work: its operations look at more values, and compare more of their text, than the limit of \
      \(StepBudget.maximum) steps allows. Split it into several requests with fewer operations. Nothing was changed.
      """)
  }
}

extension JSON {
  /// The steps for comparing, hashing or copying the value once.
  var steps: Int { 1 + textBytes / StepBudget.bytesPerStep }

  /// The bytes of all text in the value, including keys, plus a few per part: at least the size of its JSON without escapes.
  var textBytes: Int {
    switch self {
    case .null, .bool: 8
    case .integer: 24
    case .decimal(let text), .string(let text): 8 + text.utf8.count
    case .array(let elements): elements.reduce(8) { $0 + $1.textBytes }
    case .object(let object): object.members.reduce(8) { $0 + $1.key.utf8.count + $1.value.textBytes }
    }
  }
}
