import Foundation
import Models
import Postgres
import Primitives
import SCIMStorage
import TestSupport
import Testing

@testable import AdminConsole
@testable import EdgeHTTP
@testable import EdgeReads
@testable import ProductAPI
@testable import SCIM
@testable import SCIMControllers
@testable import ScimAPI

@Suite("Order and pages of lists", .timeLimit(.minutes(10)))
struct ListOrderTests {
  private static let sortings: [(kinds: [ResourceKind], sortBy: String?)] =
    [
      nil, "userName", "displayName", "id", "externalId", "active", "title", "name.familyName", "emails", "emails.type", "groups.display",
      "groups", "schemas", "meta.lastModified", "meta.created", "meta.location", "meta.version",
      "\(SchemaDefinition.enterpriseUserID):department", "\(RandomFilters.everyType.id):whole", "\(RandomFilters.everyType.id):broken",
      "\(RandomFilters.everyType.id):since", "\(RandomFilters.everyType.id):isOn", "\(RandomFilters.everyType.id):exact",
      "\(RandomFilters.everyType.id):tags", "\(RandomFilters.everyType.id):devices.count",
    ].map { ([.user], $0) }
    + [nil, "displayName", "members.display", "members", "externalId", "meta.lastModified"].map { ([.group], $0) }
    + [nil, "displayName", "userName", "externalId", "id", "meta.created", "\(RandomFilters.everyType.id):broken"].map {
      ([.user, .group], $0)
    }

  @Test("A list is ordered, and the same by index, by cursor and backwards")
  func order() async throws {
    let store = try await StoreBuilder.start()
    let reads = DatabaseReads(database: store.database)
    var random = RandomFilters(generator: SeededGenerator(seed: 9865))
    for _ in 0..<4 {
      let resources = try await store.replaceResources(using: &random, users: 40, groups: 15)
      for (kinds, sortBy) in Self.sortings {
        for ascending in [true, false] {
          let sources = try kinds.map { kind in
            let schema = kind == .user ? RandomFilters.user : RandomFilters.group
            let filter = random.generator.chance(50) ? try Filter(parsing: #"not (externalId eq "a")"#).typed(for: schema) : nil
            return ResourceQuery.Source(kind: kind, filter: filter, sortBy: try sortBy.flatMap(schema.sortAttribute), withRows: false)
          }
          func list(_ part: ResourceQuery.Part) async throws -> FoundResources {
            try await reads.list(
              ResourceQuery(sources: sources, ascending: ascending, part: part, base: StoreBuilder.base), in: store.workspace)
          }
          let comment = Comment(rawValue: "\(kinds) by \(sortBy ?? "nothing")\(ascending ? "" : ", descending")")
          let all = try await list(.page(Page(startIndex: 1, count: 200)))
          let ids = all.resources.map(\.found.resource.id)
          let expected = resources.filter { resource in
            sources.contains { $0.kind == resource.kind && $0.filter?.matches(resource.sent) ?? true }
          }
          #expect(all.total == expected.count, comment)
          #expect(Set(ids) == Set(expected.map(\.id)), comment)
          let sorted = expected.sorted(by: SentOrder(sources: sources, ascending: ascending).isOrdered)
          // Times are stored with a higher precision than they are sent.
          if sortBy?.hasPrefix("meta.") != true { #expect(ids == sorted.map(\.id), comment) }

          var byIndex: [ResourceID] = []
          while byIndex.count < all.resources.count {
            let page = try await list(.page(Page(startIndex: byIndex.count + 1, count: 7)))
            #expect(page.total == all.total, comment)
            guard !page.resources.isEmpty else { break }
            byIndex += page.resources.map(\.found.resource.id)
          }
          #expect(byIndex == ids, comment)

          var parts = [try await list(.from(nil, count: 7))]
          #expect(parts[0].total == all.total, comment)
          #expect(parts[0].previous == nil, comment)
          while let next = parts[parts.count - 1].next, parts.count < 100 { parts.append(try await list(.from(next, count: 7))) }
          #expect(parts.flatMap(\.resources).map(\.found.resource.id) == ids, comment)

          var backwards = [parts[parts.count - 1]]
          while let previous = backwards[0].previous, backwards.count < 100 {
            backwards.insert(try await list(.from(previous, count: 7)), at: 0)
          }
          #expect(backwards.map(\.resources) == parts.map(\.resources), comment)
          #expect(backwards.dropFirst().allSatisfy { $0.previous != nil }, comment)
        }
      }
    }
    await store.close()
  }

  @Test("Writes between two pages do not shift the remaining resources")
  func changes() async throws {
    let store = try await StoreBuilder.start()
    let users = try await store.insertUsers(["a", "b", "c", "d", "e", "f"])
    let reads = DatabaseReads(database: store.database)
    let first = try await reads.list(try DatabaseReadsTests.query(.user, part: .from(nil, count: 2)), in: store.workspace)
    #expect(first.resources.map(\.found.resource.id) == Array(users[..<2]))
    try await store.write("delete from identity.users where id = any ($1)", [.uuidArray([users[0].uuid, users[1].uuid, users[2].uuid])])
    func part(from place: CursorPosition, count: Int) async throws -> FoundResources {
      try await reads.list(try DatabaseReadsTests.query(.user, part: .from(place, count: count)), in: store.workspace)
    }
    let second = try await part(from: try #require(first.next), count: 2)
    #expect(second.resources.map(\.found.resource.id) == [users[3], users[4]])
    // No resource is left before the cursor, which stays valid.
    let back = try await part(from: try #require(second.previous), count: 2)
    #expect(back.resources.isEmpty)
    let again = try await part(from: try #require(back.next), count: 9)
    #expect(again.resources.map(\.found.resource.id) == Array(users[4...]))
    await store.close()
  }
}

/// The order of resources by their values in responses (RFC 7644 §3.4.2.3).
private struct SentOrder {
  let sources: [ResourceQuery.Source]
  let ascending: Bool

  func isOrdered(_ left: SentResource, _ right: SentResource) -> Bool {
    let order = compare(left, right)
    return ascending ? order < 0 : order > 0
  }

  private func compare(_ left: SentResource, _ right: SentResource) -> Int {
    let kinds = (left.kind == .user ? 0 : 1, right.kind == .user ? 0 : 1)
    switch (key(of: left), key(of: right)) {
    case (let leftKey?, let rightKey?): if let order = compare(leftKey, rightKey) { return order }
    case (nil, _?): return 1
    case (_?, nil): return -1
    case (nil, nil): break
    }
    if kinds.0 != kinds.1 { return kinds.0 - kinds.1 }
    return left.id < right.id ? -1 : left.id == right.id ? 0 : 1
  }

  /// nil if they are equal.
  private func compare(_ left: JSON, _ right: JSON) -> Int? {
    switch (left, right) {
    case (.string(let left), .string(let right)):
      left.utf8.elementsEqual(right.utf8) ? nil : left.utf8.lexicographicallyPrecedes(right.utf8) ? -1 : 1
    case (.bool(let left), .bool(let right)): left == right ? nil : right ? -1 : 1
    default:
      if let left = DecimalNumber(left), let right = DecimalNumber(right) { left == right ? nil : left < right ? -1 : 1 } else { nil }
    }
  }

  /// The primary or first of several values; the comparison key of case-insensitive text.
  private func key(of resource: SentResource) -> JSON? {
    guard let attribute = sources.first(where: { $0.kind == resource.kind })?.sortBy else { return nil }
    let container = attribute.schemaExtension.map { resource.sent[$0]?.object ?? JSONObject() } ?? resource.sent
    guard let value = container[attribute.definition.name] else { return nil }
    let values = value.array ?? [value]
    func parts(_ values: [JSON]) -> [JSON] {
      values.compactMap { value in attribute.subAttribute.map { value.object?[$0.name] } ?? value }
    }
    let primary = values.filter { $0.object?["primary"] == true }
    guard let chosen = parts(primary).first ?? parts(values).first else { return nil }
    guard case .string(let text) = chosen else { return chosen }
    if text.isEmpty { return nil }
    if attribute.leaf.type == .dateTime { return Instant(text).map { .integer($0.microseconds) } }
    if attribute.leaf.isCaseExact { return .string(text) }
    let key = ComparisonKey(text)
    return key.isEmpty ? nil : .string(key.text)
  }
}
