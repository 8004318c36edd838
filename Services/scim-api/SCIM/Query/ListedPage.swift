import EdgeHTTP
import EdgeReads
import Hummingbird
import Models
import NIOCore
import SCIM

/// A page of a list as it is sent. A small one is sent whole; a larger one is written resource by resource, and ends early when it is as large
/// as it may be.
struct ListedPage: Sendable {
  let head: ListResponse.Head
  let resources: [ListedResource]
  let forms: [ResponseFormat]
  let reads: any ResourceReads
  let workspace: WorkspaceID
  /// The cursor of the page behind a place; nil where pages go by position, or the list is read back: such a page has to end where it was
  /// asked to.
  let nextCursor: (@Sendable (Place?) -> String?)?

  /// About the bytes of what is sent in one piece.
  private static let smallPage = 256 << 10

  func body() throws -> ResponseBody {
    guard resources.contains(where: \.found.hasMoreRows) || resources.reduce(0, { $0 + $1.found.size }) > Self.smallPage else {
      let texts = try resources.map { Array(try form(of: $0).body(of: $0.found).readableBytesView) }
      return ResponseBody(byteBuffer: ByteBuffer(bytes: ListResponse(head, resources: texts).serialized()))
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

  private var endsEarly: Bool { nextCursor != nil || head.startIndex != nil }

  private func form(of resource: ListedResource) -> ResponseFormat { forms.first { $0.kind == resource.kind } ?? forms[0] }

  /// One with more rows than were read is read again as it is written. Returns its bytes.
  private func write(_ resource: ListedResource, to writer: inout any ResponseBodyWriter) async throws -> Int {
    guard resource.found.hasMoreRows else {
      let body = try form(of: resource).body(of: resource.found)
      try await writer.write(body)
      return body.readableBytes
    }
    let parts = StreamedResourceBody(form: form(of: resource), reads: reads, workspace: workspace)
    return try await parts.write(resource.found.resource.id, to: &writer)
  }
}

extension FoundResource {
  /// About the bytes of the resource in an answer.
  fileprivate var size: Int { resource.document.count + (rows?.reduce(0) { $0 + 200 + ($1.display?.utf8.count ?? 0) } ?? 0) }
}
