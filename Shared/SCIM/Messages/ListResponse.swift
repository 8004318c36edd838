/// A ListResponse message (RFC 7644 §3.4.2) of resources that are already serialised.
public struct ListResponse: Sendable {
  /// The members before `Resources`.
  public var head: Head
  /// The resources as JSON text.
  public var resources: [[UInt8]]

  /// The members of the message before `Resources`.
  public struct Head: Sendable, Hashable {
    /// The number of matching resources on all pages.
    public var totalResults: Int
    /// The 1-based position of the first resource of the page; nil for pages by cursor.
    public var startIndex: Int?
    /// The cursor of the next page (RFC 9865 §2); nil on the last page.
    public var nextCursor: String?
    /// The cursor of the previous page (RFC 9865 §2); nil on the first page.
    public var previousCursor: String?

    /// Creates the members of a page.
    public init(totalResults: Int, startIndex: Int? = 1, nextCursor: String? = nil, previousCursor: String? = nil) {
      self.totalResults = totalResults
      self.startIndex = startIndex
      self.nextCursor = nextCursor
      self.previousCursor = previousCursor
    }
  }

  /// Creates a response.
  public init(_ head: Head, resources: [[UInt8]]) {
    self.head = head
    self.resources = resources
  }

  /// Creates a response for a page by index.
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

  /// The start of a message that is streamed, up to the resources. The caller separates the resources with commas.
  public static func opening(_ head: Head, itemsPerPage: Int) -> [UInt8] {
    var text = #"{"schemas":["\#(MessageSchema.listResponse)"],"totalResults":\#(head.totalResults)"#
    if let startIndex = head.startIndex { text += #","startIndex":\#(startIndex)"# }
    text += #","itemsPerPage":\#(itemsPerPage)"#
    // Cursors are base64url, so they need no escaping.
    if let cursor = head.nextCursor { text += #","nextCursor":"\#(cursor)""# }
    if let cursor = head.previousCursor { text += #","previousCursor":"\#(cursor)""# }
    return Array(text.utf8) + Array(#","Resources":["#.utf8)
  }

  /// The end of a message, after the resources.
  public static let closing = Array("]}".utf8)

  /// The size in bytes at which a page ends early; `itemsPerPage` has the actual number of resources.
  public static let maximumBytes = 8 << 20

  /// The start of a streamed message whose number of resources is not known yet; ends with ``closing(itemsPerPage:nextCursor:)``.
  public static func opening(_ head: Head) -> [UInt8] {
    var text = #"{"schemas":["\#(MessageSchema.listResponse)"],"totalResults":\#(head.totalResults)"#
    if let startIndex = head.startIndex { text += #","startIndex":\#(startIndex)"# }
    if let cursor = head.previousCursor { text += #","previousCursor":"\#(cursor)""# }
    return Array(text.utf8) + Array(#","Resources":["#.utf8)
  }

  /// The end of a message that starts with ``opening(_:)``.
  public static func closing(itemsPerPage: Int, nextCursor: String?) -> [UInt8] {
    let cursor = nextCursor.map { #","nextCursor":"\#($0)""# } ?? ""
    return Array("],\"itemsPerPage\":\(itemsPerPage)\(cursor)}".utf8)
  }
}
