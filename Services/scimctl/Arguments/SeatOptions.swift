import ArgumentParser
import Models

extension SeatLimit {
  /// The number of seats that stands for "any number".
  static let unlimited = 0

  /// Parses the number of seats.
  ///
  /// - Throws: `ValidationError`.
  @Sendable static func count(_ text: String) throws -> Int {
    if text == "none" { return unlimited }
    guard let count = Int(text), (1...maximum).contains(count) else {
      throw ValidationError("'\(text)' is not a number of seats: use 1 to \(maximum), or none for any number.")
    }
    return count
  }

  /// The limit after the options of a command; nil for none.
  ///
  /// - Throws: ``ScimctlError`` if a policy is given without a limit.
  init?(_ present: SeatLimit?, limit: Int?, policy: Policy?) throws(ScimctlError) {
    if limit == Self.unlimited {
      guard policy == nil else { throw ScimctlError(.usage, "--seats none and --seats-policy exclude each other") }
      return nil
    }
    guard let limit = limit ?? present?.limit else {
      guard policy == nil else { throw ScimctlError(.usage, "the workspace has no seat limit; give --seats as well") }
      return nil
    }
    self.init(limit: limit, policy: policy ?? present?.policy ?? .reject)
  }
}

extension SeatLimit.Policy: ExpressibleByArgument {
  static let help = ArgumentHelp(
    "What happens to users beyond the number of seats: reject (the identity provider gets 403) or hold (they wait for approval).")
}
