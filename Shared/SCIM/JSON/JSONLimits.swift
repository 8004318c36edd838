/// What a JSON text may contain beyond its grammar.
public struct JSONLimits: Sendable, Hashable {
  /// How deep arrays and objects may nest; 1 is a lone array or object of scalars.
  public var depth: Int
  /// Whether strings may hold U+0000. PostgreSQL's `text` can't.
  public var allowsNullCharacter: Bool

  public init(depth: Int = 32, allowsNullCharacter: Bool = false) {
    self.depth = depth
    self.allowsNullCharacter = allowsNullCharacter
  }
}
