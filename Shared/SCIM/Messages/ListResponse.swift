/// The answer to a query (RFC 7644 §3.4.2), around resources that are JSON already.
public struct ListResponse: Sendable {
  /// How many resources match in all.
  public var totalResults: Int
  /// The position of the first resource here, counted from 1.
  public var startIndex: Int
  /// Each the JSON text of a resource.
  public var resources: [[UInt8]]

  public init(totalResults: Int, startIndex: Int = 1, resources: [[UInt8]]) {
    self.totalResults = totalResults
    self.startIndex = startIndex
    self.resources = resources
  }

  /// The message as JSON text.
  public func serialized() -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(resources.reduce(200) { $0 + $1.count + 1 })
    bytes.append(
      contentsOf: Self.opening(totalResults: totalResults, startIndex: startIndex, itemsPerPage: resources.count))
    for (index, resource) in resources.enumerated() {
      if index > 0 { bytes.append(UInt8(ascii: ",")) }
      bytes.append(contentsOf: resource)
    }
    bytes.append(contentsOf: Self.closing)
    return bytes
  }

  /// What comes before the resources, for a message that is written piece by piece; commas go between them.
  public static func opening(totalResults: Int, startIndex: Int, itemsPerPage: Int) -> [UInt8] {
    let head = #"{"schemas":["\#(MessageSchema.listResponse)"],"totalResults":\#(totalResults),"startIndex":\#(startIndex),"#
    return Array(head.utf8) + Array(#""itemsPerPage":\#(itemsPerPage),"Resources":["#.utf8)
  }

  /// What comes behind the resources.
  public static let closing = Array("]}".utf8)
}
