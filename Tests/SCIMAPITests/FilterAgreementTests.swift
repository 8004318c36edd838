import Foundation
import Models
import NIOCore
import Postgres
import Queries
import TestSupport
import Testing

@testable import SCIM
@testable import scim_api

@Suite("Filters in memory and in SQL", .timeLimit(.minutes(10)))
struct FilterAgreementTests {
  @Test("10,000 random filters over random resources find the same in memory and in the database, with true totals")
  func agreement() async throws {
    let store = try await StoreBuilder.start()
    var random = RandomFilters(generator: SeededGenerator(seed: 7644))
    var matching = 0
    var trueForSome = 0
    for _ in 0..<20 {
      let resources = try await store.replaceResources(using: &random)
      for number in 0..<500 {
        let kind: ResourceKind = number % 3 == 0 ? .group : .user
        let schema = kind == .user ? RandomFilters.user : RandomFilters.group
        let text = random.filter(for: schema)
        let filter = try Filter(parsing: text)
        #expect(try Filter(parsing: filter.description) == filter, "\(text)")
        let typed = try filter.typed(for: schema)
        let expected = resources.filter { $0.kind == kind && typed.matches($0.sent) }.map(\.id)
        let query = ResourceQuery(
          sources: [ResourceQuery.Source(kind: kind, filter: typed, withRows: false)], part: .page(Page(startIndex: 1, count: 200)),
          base: StoreBuilder.base)
        let found: FoundResources
        do {
          found = try await DatabaseReads(database: store.database).list(query, in: store.workspace)
        } catch {
          Issue.record("\(text): \(error)")
          continue
        }
        #expect(found.resources.map(\.found.resource.id) == expected, "\(text)")
        #expect(found.total == expected.count, "\(text)")
        matching += expected.count
        if !expected.isEmpty, expected.count < resources.count(where: { $0.kind == kind }) { trueForSome += 1 }
      }
    }
    // Else the test would say little.
    #expect(trueForSome > 4000, "\(trueForSome) filters told resources apart; \(matching) matches")
    await store.close()
  }

  @Test("Every character has the same lower case in the database and in the services")
  func folding() async throws {
    let store = try await StoreBuilder.start()
    let scalars = (UInt32(1)...0x10FFFF).compactMap(Unicode.Scalar.init)
    for start in stride(from: 0, to: scalars.count, by: 4096) {
      let texts = scalars[start..<min(start + 4096, scalars.count)].map { "a\($0)B" }
      let rows = try await store.reader.query(
        Statement(
          once: "fold", "select identity_read.fold(text) from unnest($1::text[]) with ordinality as t (text, place) order by place"),
        [.textArray(texts)])
      for (text, row) in zip(texts, rows) {
        let folded = try row.string(0)
        if !folded.utf8.elementsEqual(text.lowercased().utf8) { Issue.record("\(text.unicodeScalars.map(\.value)): \(folded)") }
      }
    }
    await store.close()
  }
}

/// A resource as it is sent.
struct SentResource {
  var kind: ResourceKind
  var id: ResourceID
  var sent: JSONObject
}

extension StoreBuilder {
  static let base = BaseURL(site: "https://app.example.com")

  /// Puts random users, groups and memberships in the place of all that are there, and returns them in the order of their ids.
  func replaceResources(using random: inout RandomFilters, users: Int = 30, groups: Int = 12) async throws -> [SentResource] {
    for table in ["memberships", "users", "groups"] { try await write("delete from identity.\(table)", []) }
    random.ids = (0..<users + groups).map { _ in .made(at: Date(timeIntervalSince1970: 1_767_225_600), using: &random.generator) }
    for (index, id) in random.ids.enumerated() {
      if index < users {
        var attributes = random.attributes(of: RandomFilters.user)
        attributes["userName"] = .string("\(random.text())\(index)")
        attributes["active"] = .bool(random.generator.chance(70))
        try await insert(user: attributes, id: id, using: &random)
      } else {
        var attributes = random.attributes(of: RandomFilters.group)
        attributes["displayName"] = .string("\(random.text())\(index)")
        try await insert(group: attributes, id: id, using: &random)
      }
    }
    for group in random.ids[users...] {
      for user in random.ids[..<users] where random.generator.chance(12) { try await insertMembership(group: group, user: user) }
    }
    var sent: [SentResource] = []
    for kind in ResourceKind.allCases {
      let query = ResourceQuery(
        sources: [ResourceQuery.Source(kind: kind, withRows: true)], part: .page(Page(startIndex: 1, count: 200)), base: Self.base)
      for listed in try await DatabaseReads(database: database).list(query, in: workspace).resources {
        var buffer = ByteBuffer()
        ResourceWriter(kind: kind, base: Self.base).write(listed.found, into: &buffer)
        sent.append(
          SentResource(
            kind: kind, id: listed.found.resource.id,
            sent: try JSON(parsing: Array(buffer.readableBytesView)).object ?? JSONObject()))
      }
    }
    return sent
  }

  /// Writes a user's columns as identity-store does.
  func insert(user attributes: JSONObject, id: ResourceID, using random: inout RandomFilters) async throws {
    let created = random.moment()
    let document = OpenDocument.bytes(attributes, resourceType: "User", id: "\(id)", created: Timestamp.text(created))
    let name = attributes["userName"]?.string ?? ""
    let emails = (attributes["emails"]?.array ?? []).compactMap { $0.object?["value"]?.string }.filter { !$0.isEmpty }
    let others = Set(emails.dropFirst().filter { $0.lowercased() != emails[0].lowercased() }.map { EmailKey.text($0, in: workspace) })
    try await write(
      """
      insert into identity.users
      (workspace_id, id, user_name, user_name_key, user_name_hash, external_id, display_name, email, email_key, other_email_keys, state,
       role, version, created_at, modified_at, document)
      values ($1, $2, $3, $4, '', $5, $6, $7, $8, $9, $10, 'viewer', $11, $12, $13, $14)
      """,
      [
        .uuid(workspace.uuid), .uuid(id.uuid), .text(name), .text(name.lowercased()),
        .optional(attributes["externalId"]?.string, PostgresValue.text),
        .optional(attributes["displayName"]?.string ?? attributes["name"]?.object?["formatted"]?.string, PostgresValue.text),
        .optional(emails.first, PostgresValue.text), .optional(emails.first?.lowercased(), PostgresValue.text),
        others.isEmpty ? .null : .textArray(others.sorted()), .text(attributes["active"] == false ? "disabled" : "invited"),
        .int(random.generator.pick([1, 2])), .timestamp(created), .timestamp(random.moment()),
        .text(String(decoding: document, as: UTF8.self)),
      ])
  }

  func insert(group attributes: JSONObject, id: ResourceID, using random: inout RandomFilters) async throws {
    let created = random.moment()
    let document = OpenDocument.bytes(attributes, resourceType: "Group", id: "\(id)", created: Timestamp.text(created))
    let name = attributes["displayName"]?.string ?? ""
    try await write(
      """
      insert into identity.groups
      (workspace_id, id, display_name, display_name_key, external_id, version, created_at, modified_at, document)
      values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
      """,
      [
        .uuid(workspace.uuid), .uuid(id.uuid), .text(name), .text(name.lowercased()),
        .optional(attributes["externalId"]?.string, PostgresValue.text), .int(random.generator.pick([1, 2])), .timestamp(created),
        .timestamp(random.moment()), .text(String(decoding: document, as: UTF8.self)),
      ])
  }
}
