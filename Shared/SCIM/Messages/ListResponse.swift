/// The answer to a query (RFC 7644 §3.4.2), around resources that are JSON already.
public struct ListResponse: Sendable {
  public var head: Head
  /// Each the JSON text of a resource.
  public var resources: [[UInt8]]

  /// What comes before the resources.
  public struct Head: Sendable, Hashable {
    /// How many resources match in all.
    public var totalResults: Int
    /// The position of the first resource here, counted from 1; nil where pages go by cursor.
    public var startIndex: Int?
    /// RFC 9865 §2: the cursor of the page behind this one; nil on the last.
    public var nextCursor: String?
    /// RFC 9865 §2: the cursor of the page before this one; nil on the first.
    public var previousCursor: String?

    public init(totalResults: Int, startIndex: Int? = 1, nextCursor: String? = nil, previousCursor: String? = nil) {
      self.totalResults = totalResults
      self.startIndex = startIndex
      self.nextCursor = nextCursor
      self.previousCursor = previousCursor
    }
  }

  public init(_ head: Head, resources: [[UInt8]]) {
    self.head = head
    self.resources = resources
  }

  public init(totalResults: Int, startIndex: Int = 1, resources: [[UInt8]]) {
    self.init(Head(totalResults: totalResults, startIndex: startIndex), resources: resources)
  }

  /// The message as JSON text.
  public func serialized() -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(resources.reduce(400) { $0 + $1.count + 1 })
    bytes.append(contentsOf: Self.opening(head, itemsPerPage: resources.count))
    for (index, resource) in resources.enumerated() {
      if index > 0 { bytes.append(UInt8(ascii: ",")) }
      bytes.append(contentsOf: resource)
    }
    bytes.append(contentsOf: Self.closing)
    return bytes
  }

  /// What comes before the resources, for a message that is written piece by piece; commas go between them.
  public static func opening(_ head: Head, itemsPerPage: Int) -> [UInt8] {
    var text = #"{"schemas":["\#(MessageSchema.listResponse)"],"totalResults":\#(head.totalResults)"#
    if let startIndex = head.startIndex { text += #","startIndex":\#(startIndex)"# }
    text += #","itemsPerPage":\#(itemsPerPage)"#
    // Cursors are base64url and need no escaping.
    if let cursor = head.nextCursor { text += #","nextCursor":"\#(cursor)""# }
    if let cursor = head.previousCursor { text += #","previousCursor":"\#(cursor)""# }
    return Array(text.utf8) + Array(#","Resources":["#.utf8)
  }

  /// What comes behind the resources.
  public static let closing = Array("]}".utf8)

  /// The bytes of resources from which on no further one is added: the page ends early, and `itemsPerPage` says how many there are.
  public static let maximumBytes = 8 << 20

  /// As ``opening(_:itemsPerPage:)`` for a message that is written before it is known where it ends; without the cursor of the next page.
  public static func opening(_ head: Head) -> [UInt8] {
    var text = #"{"schemas":["\#(MessageSchema.listResponse)"],"totalResults":\#(head.totalResults)"#
    if let startIndex = head.startIndex { text += #","startIndex":\#(startIndex)"# }
    if let cursor = head.previousCursor { text += #","previousCursor":"\#(cursor)""# }
    return Array(text.utf8) + Array(#","Resources":["#.utf8)
  }

  /// What comes behind the resources of a message that began with ``opening(_:)``.
  public static func closing(itemsPerPage: Int, nextCursor: String?) -> [UInt8] {
    let cursor = nextCursor.map { #","nextCursor":"\#($0)""# } ?? ""
    return Array("],\"itemsPerPage\":\(itemsPerPage)\(cursor)}".utf8)
  }
}
