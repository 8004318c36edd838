/// What a service takes and gives at most, as its ServiceProviderConfig says (RFC 7643 §5, RFC 9865 §4).
public struct ServiceLimits: Sendable, Hashable {
  /// The most resources in one answer to a query.
  public var page: Int
  /// How many there are where the client names no number.
  public var defaultPage: Int
  /// For how many seconds a cursor is good at least.
  public var cursorTimeout: Int
  /// The most operations of a bulk request.
  public var bulkOperations: Int
  /// The largest body of a bulk request, in bytes.
  public var payload: Int

  public init(page: Int, defaultPage: Int, cursorTimeout: Int, bulkOperations: Int, payload: Int) {
    self.page = page
    self.defaultPage = defaultPage
    self.cursorTimeout = cursorTimeout
    self.bulkOperations = bulkOperations
    self.payload = payload
  }
}
