/// Limits the work that one request may cause, whatever its size.
///
/// Operations of a PATCH look at every value of the attribute that they change, so the work is the product of operations and values. A
/// step is about as much work as comparing one short text with another. Requests of identity providers take a few hundred steps; the
/// limit is a fraction of a second of work.
public struct StepBudget: Sendable, Hashable {
  /// The most steps of a request.
  public static let maximum = 400_000
  /// The number of bytes of text that count as a step when they are compared or copied.
  static let bytesPerStep = 64

  /// The steps that are left.
  public private(set) var remaining: Int

  public init(_ steps: Int = StepBudget.maximum) { remaining = steps }

  /// Takes `steps`, before the work is done.
  ///
  /// - Throws: `tooMany`, which names the limit, where fewer are left. The request fails the same way each time it is sent.
  mutating func spend(_ steps: Int) throws(SCIMError) {
    guard steps <= remaining else { throw .tooManySteps() }
    remaining -= steps
  }
}

extension SCIMError {
  /// The refusal of a request that takes more steps than its budget has.
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
  /// The steps of comparing, hashing or copying the value once.
  var steps: Int { 1 + textBytes / StepBudget.bytesPerStep }

  /// The bytes of all text in the value, keys included, plus a few for each part: no less than the bytes of its JSON without escapes.
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
