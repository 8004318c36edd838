import EdgeHTTP
import EdgeReads
import Hummingbird
import Models
import NIOCore
import SCIM

/// The response body of a list. Small pages are sent at once; larger pages are streamed resource by resource and end early at the maximum
/// response size.
struct ListedPage: Sendable {
  let head: ListResponse.Head
  let resources: [ListedResource]
  let formats: [ResponseFormat]
  let reads: any ResourceReads
  let workspace: WorkspaceID
  /// The cursor of the page after a position; nil for pages by position and for pages that are read backward, which must not end early.
  let nextCursor: (@Sendable (CursorPosition?) -> String?)?

  /// The maximum approximate size of a page that is sent at once, in bytes.
  private static let smallPage = 256 << 10

  func body() throws -> ResponseBody {
    let size = resources.reduce(0) { $0 + $1.found.size }
    guard resources.contains(where: \.found.hasMoreRows) || size > Self.smallPage else {
      var buffer = ByteBuffer()
      buffer.reserveCapacity(size + 300 * resources.count + 1000)
      try write(into: &buffer)
      return ResponseBody(byteBuffer: buffer)
    }
    return ResponseBody { writer in
      try await writer.write(ByteBuffer(bytes: ListResponse.opening(head)))
      var (count, bytes) = (0, 0)
      for resource in resources {
        if count > 0 {
          if endsEarly, bytes >= ListResponse.maximumBytes { break }
          try await writer.write(ByteBuffer(string: ","))
        }
        bytes += try await write(resource, to: &writer)
        count += 1
      }
      let cursor = count < resources.count ? nextCursor?(resources[count - 1].place) : head.nextCursor
      try await writer.write(ByteBuffer(bytes: ListResponse.closing(itemsPerPage: count, nextCursor: cursor)))
      try await writer.finish(nil)
    }
  }

  /// Writes the whole message, each resource directly into `buffer`.
  private func write(into buffer: inout ByteBuffer) throws {
    buffer.writeBytes(ListResponse.opening(head, itemsPerPage: resources.count))
    for (index, resource) in resources.enumerated() {
      if index > 0 { buffer.writeStaticString(",") }
      try format(of: resource).write(resource.found, into: &buffer)
    }
    buffer.writeBytes(ListResponse.closing)
  }

  private var endsEarly: Bool { nextCursor != nil || head.startIndex != nil }

  private func format(of resource: ListedResource) -> ResponseFormat { formats.first { $0.kind == resource.kind } ?? formats[0] }

  /// Writes a resource and returns its size in bytes. A resource with more rows than were read is read again and streamed.
  private func write(_ resource: ListedResource, to writer: inout any ResponseBodyWriter) async throws -> Int {
    guard resource.found.hasMoreRows else {
      let body = try format(of: resource).body(of: resource.found)
      try await writer.write(body)
      return body.readableBytes
    }
    let body = StreamedResourceBody(format: format(of: resource), reads: reads, workspace: workspace)
    return try await body.write(resource.found.resource.id, to: &writer)
  }
}

extension FoundResource {
  /// The approximate size of the resource in a response, in bytes.
  fileprivate var size: Int { resource.document.count + (rows?.reduce(0) { $0 + 200 + ($1.display?.utf8.count ?? 0) } ?? 0) }
}
