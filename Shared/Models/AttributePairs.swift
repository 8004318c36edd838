extension [String: String] {
  /// Names and values in turn, in the order of the names: how attributes stand in a column of type `text[]`.
  public var pairs: [String] {
    sorted { $0.key < $1.key }.flatMap { [$0.key, $0.value] }
  }

  /// The inverse of ``pairs``; a name without a value is left out.
  public init(pairs: [String]) {
    self.init(minimumCapacity: pairs.count / 2)
    for index in stride(from: 0, to: pairs.count - 1, by: 2) { self[pairs[index]] = pairs[index + 1] }
  }
}
