/// Which part of a list is asked for (RFC 7644 §3.4.2.4).
struct Page: Sendable, Equatable {
  /// From 1.
  var startIndex: Int
  /// At most so many resources; 0 asks for the total alone.
  var count: Int

  static let defaultCount = 100
  static let maximumCount = 200

  /// A `startIndex` below 1 counts as 1, a negative `count` as 0; more than the maximum is cut to it.
  init(startIndex: Int?, count: Int?) {
    self.startIndex = max(1, startIndex ?? 1)
    self.count = min(Self.maximumCount, max(0, count ?? Self.defaultCount))
  }

  var offset: Int { startIndex - 1 }
}
