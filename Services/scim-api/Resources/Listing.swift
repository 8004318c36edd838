import Hummingbird
import Models
import NIOCore
import SCIM

/// GET of the resources of a kind, filtered and in pages (RFC 7644 §3.4.2).
struct Listing: Sendable {
  let kind: ResourceKind
  let reads: any ResourceReads
  let baseURLs: BaseURLRule

  /// How many resources are looked at one by one where the database cannot answer the whole filter.
  private static let maximumCandidates = Page.maximumCount

  func list(_ request: Request, _ context: CallerContext) async throws -> Response {
    let form = try AnswerForm(kind, of: request, for: context.caller, baseURLs)
    let page = try Page(form.parameters)
    let filter = try form.parameters["filter"].map { text throws(SCIMError) in try Filter(parsing: text) }
    let lookUp = try LookUp(filter, of: kind)
    let workspace = context.caller.workspace
    let found: FoundResources
    if lookUp.isEmpty {
      found = FoundResources(total: 0, resources: [])
    } else if let remainder = lookUp.remainder {
      let matching = try await matching(remainder, lookUp.conditions, form, in: workspace)
      found = FoundResources(total: matching.count, resources: Array(matching.dropFirst(page.offset).prefix(page.count)))
    } else {
      found = try await reads.list(kind, where: lookUp.conditions, page: page, withRows: form.wantsRows, in: workspace)
    }
    guard !found.resources.contains(where: \.hasMoreRows) else {
      return .json(.ok, partedBody(found, page, form, in: workspace), mediaType: form.mediaType)
    }
    let response = ListResponse(
      totalResults: found.total, startIndex: page.startIndex,
      resources: try found.resources.map { Array(try form.body(of: $0).readableBytesView) })
    return .json(.ok, ByteBuffer(bytes: response.serialized()), mediaType: form.mediaType)
  }

  /// The list, with those resources read as they are written that have more rows than were read.
  private func partedBody(_ found: FoundResources, _ page: Page, _ form: AnswerForm, in workspace: WorkspaceID) -> ResponseBody {
    let parts = PartedBody(form: form, reads: reads, workspace: workspace)
    return ResponseBody { writer in
      let opening = ListResponse.opening(
        totalResults: found.total, startIndex: page.startIndex, itemsPerPage: found.resources.count)
      try await writer.write(ByteBuffer(bytes: opening))
      for (index, resource) in found.resources.enumerated() {
        if index > 0 { try await writer.write(ByteBuffer(string: ",")) }
        if resource.hasMoreRows {
          try await parts.write(resource.resource.id, to: &writer)
        } else {
          try await writer.write(try form.body(of: resource))
        }
      }
      try await writer.write(ByteBuffer(bytes: ListResponse.closing))
      try await writer.finish(nil)
    }
  }

  /// The resources that meet the conditions and the filter.
  private func matching(
    _ filter: Filter, _ conditions: [LookUp.Condition], _ form: AnswerForm, in workspace: WorkspaceID
  ) async throws -> [FoundResource] {
    let page = Page(startIndex: 1, count: Self.maximumCandidates)
    // Whatever the filter speaks of has to be there to be compared.
    let candidates = try await reads.list(kind, where: conditions, page: page, withRows: true, in: workspace)
    guard candidates.total <= Self.maximumCandidates else { throw Refusal.tooManyCandidates(filter, candidates.total) }
    if filter.mentions(kind.rowAttribute), candidates.resources.contains(where: \.hasMoreRows) {
      throw Refusal.tooManyRows(filter, kind.rowAttribute)
    }
    return try candidates.resources.filter { filter.matches(try form.whole($0), schema: form.schema) }
  }
}

extension Refusal {
  static func tooManyCandidates(_ filter: Filter, _ count: Int) -> Refusal {
    Refusal(
      400, .tooMany,
      "The filter '\(filter.description.prefix(300))' has to be checked on \(count) resources one by one. Ask for one attribute with eq.")
  }

  static func tooManyRows(_ filter: Filter, _ attribute: String) -> Refusal {
    Refusal(
      400, .tooMany,
      """
      The filter '\(filter.description.prefix(300))' has to be checked on more than \(FoundResource.maximumRows) \(attribute) one by one. \
      Ask for \(attribute).value with eq.
      """)
  }
}
